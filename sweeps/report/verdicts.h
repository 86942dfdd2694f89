// What a table says of each row beside the baseline. Internal to sweeps/report; throws SQLite::Exception.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstddef>
#include <string>
#include <unordered_map>

#include "sweeps/report/report.h"

namespace lorikeet::report {

// Fills the rows' comparison, validation_primary, still_improving and device_hours, and the table's primary,
// margin and family. `positions`: where each configuration's row stands. A database of a build that compared
// nothing (version 11 and before) gives the differences of means alone.
void ReadVerdicts(SQLite::Database& database, int version,
                  const std::unordered_map<std::string, std::size_t>& positions, Table& table);

}  // namespace lorikeet::report
