// What a table says of each row beside the baseline. Internal to sweeps/report; throws SQLite::Exception.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstddef>
#include <string>
#include <unordered_map>

#include "sweeps/report/report.h"

namespace lorikeet::report {

// What the sweep file asked: fills primary, margin, family and extended, where the database knows.
void ReadQuestion(SQLite::Database& database, int version, Table& table);

// Fills the rows' comparison and device_hours. `positions`: where each configuration's row stands. A database
// of a build that compared nothing (version 11 and before) gives the differences of means alone.
void ReadVerdicts(SQLite::Database& database, int version,
                  const std::unordered_map<std::string, std::size_t>& positions, Table& table);

// Of a query whose columns from 1 on are metric, difference, low, high, p_value, p_corrected, detectable,
// verdict and reason: what it says goes into the row.
void TakeComparison(SQLite::Statement& query, const std::string& primary, Row& row);

// Appends the rows of others that were imported into the sweep.
void ReadForeignRows(SQLite::Database& database, int version, Table& table);

}  // namespace lorikeet::report
