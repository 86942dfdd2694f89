// `sweepctl table`: from a coordinator, or from a database file with no coordinator.
#pragma once

#include <string>

#include "common/status.h"

namespace lorikeet::sweepctl {

// `database` is a results.db, or a data folder that holds one.
StatusOr<std::string> TableFromDatabase(const std::string& database, const std::string& sweep,
                                        const std::string& format, bool colour);

}  // namespace lorikeet::sweepctl
