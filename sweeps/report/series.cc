#include "sweeps/report/series.h"

#include <utility>

#include "sweeps/report/database.h"
#include "sweeps/report/interval.h"
#include "sweeps/report/readers.h"
#include "sweeps/report/report.h"
#include "sweeps/report/sweep.h"

namespace lorikeet::report {
namespace {

class SqliteSeries : public Series {
 public:
  SqliteSeries(std::string path, std::unique_ptr<SQLite::Database> database)
      : path_(std::move(path)), database_(std::move(database)) {}

  StatusOr<Sensitivity> ReadSensitivity(const std::string& sweep, const std::string& metric,
                                        const std::string& axis) override {
    return InSnapshot<Sensitivity>(sweep, [&](const SweepFacts& facts) -> StatusOr<Sensitivity> {
      ASSIGN_OR_RETURN(const std::string known, Metric(facts, metric));
      return report::ReadSensitivity(*database_, facts, known, axis);
    });
  }

  StatusOr<Curves> ReadCurves(const std::string& sweep, const CurveOptions& options) override {
    return InSnapshot<Curves>(
        sweep, [&](const SweepFacts& facts) { return report::ReadCurves(*database_, facts, options); });
  }

  StatusOr<Pareto> ReadPareto(const std::string& sweep, const std::string& metric,
                              const std::string& cost) override {
    return InSnapshot<Pareto>(sweep, [&](const SweepFacts& facts) -> StatusOr<Pareto> {
      ASSIGN_OR_RETURN(const std::string known, Metric(facts, metric));
      return report::ReadPareto(*database_, facts, known, cost);
    });
  }

 private:
  static StatusOr<std::string> Metric(const SweepFacts& facts, const std::string& metric) {
    return OneOf("metric", metric.empty() ? facts.primary_metric : metric, ScoreNames());
  }

  // Short, since an open one keeps the WAL from being moved into the file.
  template <typename Read, typename Body>
  StatusOr<Read> InSnapshot(const std::string& sweep, const Body& body) {
    return Guarded(path_, [&]() -> StatusOr<Read> {
      const SQLite::Transaction snapshot(*database_);
      ASSIGN_OR_RETURN(const SweepFacts facts, ReadFacts(*database_, path_, sweep));
      return body(facts);
    });
  }

  std::string path_;
  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace

const std::vector<std::string>& ScoreNames() {
  static const std::vector<std::string> kNames = {"rouge1", "rouge2", "rougeL", "rougeLsum"};
  return kNames;
}

Score MakeScore(std::int64_t seeds, std::optional<double> mean, std::optional<double> sd) {
  Score score;
  score.seeds = seeds;
  score.mean = mean;
  score.sd = sd;
  if (!mean || !sd) return score;
  if (const std::optional<double> half = HalfWidth95(seeds, *sd)) {
    score.low = *mean - *half;
    score.high = *mean + *half;
  }
  return score;
}

StatusOr<std::unique_ptr<Series>> Series::Open(const std::string& database_path) {
  // It knows what is no results database, or too old a one.
  RETURN_IF_ERROR(Report::Open(database_path).status());
  return Guarded(database_path, [&]() -> StatusOr<std::unique_ptr<Series>> {
    return std::make_unique<SqliteSeries>(database_path, OpenReadOnly(database_path));
  });
}

}  // namespace lorikeet::report
