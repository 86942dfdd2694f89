// sweepctl's commands on a results database's file, beside a coordinator or without one.
#pragma once

#include <string>

#include "common/status.h"

namespace lorikeet::sweepctl {

// DATABASE itself, or the results.db of a folder. NotFound where there is none.
StatusOr<std::string> DatabaseFile(const std::string& database);

// Prints what is wrong with the database, a line each; Internal where anything is.
Status CheckFile(const std::string& database, bool json);
// Copies the database to `to` while a coordinator may write it.
Status BackUpFile(const std::string& database, const std::string& to, bool json);

}  // namespace lorikeet::sweepctl
