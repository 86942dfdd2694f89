// What a table has of scores that came from outside. Internal to sweeps/report; throws SQLite::Exception.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include "sweeps/report/report.h"

namespace lorikeet::report {

// Fills the comparisons of imported rows that are tested. Databases of earlier builds have none.
void ReadForeignVerdicts(SQLite::Database& database, Table& table);
// Fills the table's more_metrics and the rows' scores by them.
void ReadScores(SQLite::Database& database, Table& table);

}  // namespace lorikeet::report
