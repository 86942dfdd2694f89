// What Series reads, each inside the caller's snapshot. Internal to sweeps/report; throw as SQLiteCpp does.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <optional>
#include <string>

#include "common/status.h"
#include "sweeps/report/series.h"

namespace lorikeet::report {

// A column's number; none where it is NULL, infinite or not a number.
inline std::optional<double> FiniteNumber(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  const double value = column.getDouble();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// With the interval that follows from seeds and sd.
Score MakeScore(std::int64_t seeds, std::optional<double> mean, std::optional<double> sd);

StatusOr<Sensitivity> ReadSensitivity(SQLite::Database& database, const SweepFacts& facts,
                                      const std::string& metric, const std::string& axis);
StatusOr<Curves> ReadCurves(SQLite::Database& database, const SweepFacts& facts, const CurveOptions& options);
StatusOr<Pareto> ReadPareto(SQLite::Database& database, const SweepFacts& facts, const std::string& metric,
                            const std::string& cost);

}  // namespace lorikeet::report
