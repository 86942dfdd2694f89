// What a table and a Pareto front have of `sweepctl bench`. Internal to sweeps/report; throws
// SQLite::Exception.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>

#include "sweeps/report/report.h"

namespace lorikeet::report {

// By a sweep's name. Databases of earlier builds have none.
Benchmarks ReadBenchmarks(SQLite::Database& database, const std::string& sweep);

}  // namespace lorikeet::report
