// Whether what was acknowledged is in the database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::load {

// Every trial of `acknowledged` has a row in results, none was acknowledged twice, and each result's trial
// has one attempt that succeeded: DataLoss says what is missing. Reads only; the coordinator may run or have
// been killed.
Status CheckResults(const std::string& database, std::vector<std::string> acknowledged);
// Rows of `metrics`, of all attempts.
StatusOr<std::int64_t> CountPoints(const std::string& database);

}  // namespace lorikeet::load
