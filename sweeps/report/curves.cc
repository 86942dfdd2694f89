#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "sweeps/report/interval.h"
#include "sweeps/report/readers.h"
#include "sweeps/report/sweep.h"
#include "sweeps/report/thinner.h"

namespace lorikeet::report {
namespace {

constexpr std::int64_t kMostSteps = std::int64_t{1} << 53;
constexpr std::size_t kMostPoints = 100'000;
constexpr std::size_t kLeastOfMany = 40;
constexpr std::size_t kMostNames = 1000;

struct Attempt {
  std::string id;
  bool has = false;               // anything under the metric's name
  std::int64_t first = 0;         // step of anything
  std::int64_t end = kMostSteps;  // later attempts stand in its place from here on
};

struct TrialAttempts {
  Curve curve;
  std::vector<Attempt> attempts;  // in their order
};

class CurveReader {
 public:
  CurveReader(SQLite::Database& database, const CurveOptions& options, Curves& read)
      : options_(options),
        chosen_(options.trials.begin(), options.trials.end()),
        read_(read),
        database_(database),
        names_(database,
               "SELECT name, step FROM metrics WHERE attempt_id = ? AND name > ?"
               " ORDER BY name, step LIMIT 1"),
        first_(database,
               "SELECT step FROM metrics WHERE attempt_id = ? AND name = ? AND step >= 0"
               " ORDER BY step LIMIT 1"),
        last_(database,
              "SELECT step FROM metrics WHERE attempt_id = ? AND name = ? AND step < ?"
              " ORDER BY step DESC LIMIT 1"),
        points_(database,
                "SELECT step, value FROM metrics"
                " WHERE attempt_id = ? AND name = ? AND step >= 0 AND step < ? ORDER BY step") {}

  Status Read() {
    ReadTrials();
    std::set<std::string> names;
    std::size_t curves = 0;
    for (auto& trials : trials_) {
      for (TrialAttempts& trial : trials) {
        if (static_cast<std::int64_t>(curves) >= options_.most_curves) {
          trial.attempts.clear();
          ++read_.left_out;
          continue;
        }
        for (Attempt& attempt : trial.attempts) ReadNames(attempt, names);
        std::int64_t end = kMostSteps;
        for (auto attempt = trial.attempts.rbegin(); attempt != trial.attempts.rend(); ++attempt) {
          attempt->end = end;
          end = std::min(end, attempt->first);
        }
        curves += std::any_of(trial.attempts.begin(), trial.attempts.end(),
                              [](const Attempt& attempt) { return attempt.has; });
      }
    }
    most_points_ = std::min(options_.most_points, kMostPoints);
    if (curves > 0)
      most_points_ = std::min(most_points_, std::max(kLeastOfMany, options_.most_in_all / curves));
    read_.metrics.assign(names.begin(), names.end());
    if (!names.empty()) RETURN_IF_ERROR(OneOf("learning curve", read_.metric, read_.metrics).status());
    std::vector<CurveGroup> groups;
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      ReadGroup(trials_[i], read_.groups[i]);
      if (!read_.groups[i].seeds.empty()) groups.push_back(std::move(read_.groups[i]));
    }
    read_.groups = std::move(groups);
    return absl::OkStatus();
  }

 private:
  // Configurations in their order, their trials by seed, those's attempts by number.
  void ReadTrials() {
    SQLite::Statement row(
        database_,
        "SELECT c.id, c.arm, c.name, c.baseline, c.planned, t.id, t.name, t.seed, t.state, a.id"
        " FROM configurations AS c CROSS JOIN trials AS t ON t.configuration_id = c.id"
        " CROSS JOIN attempts AS a ON a.trial_id = t.id"
        " WHERE c.sweep_id = ? ORDER BY c.position, c.id, t.seed, t.id, a.number");
    row.bind(1, read_.sweep.id);
    std::int64_t configuration = -1;
    while (row.executeStep()) {
      if (!chosen_.empty() && !chosen_.contains(row.getColumn(5).getString())) continue;
      if (trials_.empty() || configuration != row.getColumn(0).getInt64()) {
        configuration = row.getColumn(0).getInt64();
        trials_.emplace_back();
        CurveGroup group;
        group.arm = row.getColumn(1).getString();
        group.configuration = row.getColumn(2).getString();
        group.baseline = row.getColumn(3).getInt() != 0;
        group.planned = row.getColumn(4).getInt64();
        read_.groups.push_back(std::move(group));
      }
      const std::string id = row.getColumn(5).getString();
      if (trials_.back().empty() || trials_.back().back().curve.trial_id != id) {
        Curve curve;
        curve.trial_id = id;
        curve.trial = row.getColumn(6).getString();
        curve.seed = row.getColumn(7).getInt64();
        curve.state = row.getColumn(8).getString();
        trials_.back().push_back({.curve = std::move(curve), .attempts = {}});
      }
      trials_.back().back().attempts.push_back({.id = row.getColumn(9).getString()});
    }
  }

  // By the key, a look a name: an attempt's points are many.
  void ReadNames(Attempt& attempt, std::set<std::string>& names) {
    attempt.first = kMostSteps;
    std::string name;
    for (std::size_t i = 0; i < kMostNames; ++i) {
      names_.reset();
      names_.bindNoCopy(1, attempt.id);
      names_.bindNoCopy(2, name);
      if (!names_.executeStep()) break;
      std::string next = names_.getColumn(0).getString();
      attempt.first = std::min(attempt.first, std::max<std::int64_t>(names_.getColumn(1).getInt64(), 0));
      attempt.has = attempt.has || next == read_.metric;
      if (names.size() < kMostNames) names.insert(next);
      name = std::move(next);
    }
    names_.reset();
  }

  std::optional<std::int64_t> Step(SQLite::Statement& query, const Attempt& attempt, bool until_end) {
    query.reset();
    query.bindNoCopy(1, attempt.id);
    query.bindNoCopy(2, read_.metric);
    if (until_end) query.bind(3, attempt.end);
    if (!query.executeStep()) return std::nullopt;
    return query.getColumn(0).getInt64();
  }

  void ReadGroup(std::vector<TrialAttempts>& trials, CurveGroup& group) {
    std::int64_t first = kMostSteps, last = 0;
    for (const TrialAttempts& trial : trials) {
      for (const Attempt& attempt : trial.attempts) {
        if (!attempt.has) continue;
        first = std::min(first, Step(first_, attempt, false).value_or(first));
        last = std::max(last, Step(last_, attempt, true).value_or(last));
      }
    }
    if (first > last) return;
    std::vector<Thinner> thinned;
    for (TrialAttempts& trial : trials) {
      Thinner thinner(first, last, most_points_);
      ReadPoints(trial, thinner);
      if (thinner.added() == 0) continue;
      trial.curve.points = thinner.Points();
      trial.curve.reported = thinner.added();
      read_.reported += thinner.added();
      ++read_.trials;
      group.seeds.push_back(std::move(trial.curve));
      thinned.push_back(std::move(thinner));
    }
    AddMean(group, thinned);
  }

  void ReadPoints(TrialAttempts& trial, Thinner& thinner) {
    for (const Attempt& attempt : trial.attempts) {
      if (!attempt.has) continue;
      points_.reset();
      points_.bindNoCopy(1, attempt.id);
      points_.bindNoCopy(2, read_.metric);
      points_.bind(3, attempt.end);
      while (points_.executeStep()) {
        const std::optional<double> value = FiniteNumber(points_.getColumn(1));
        if (value) {
          thinner.Add(points_.getColumn(0).getInt64(), *value);
        } else {
          ++trial.curve.not_numbers;
        }
      }
    }
    points_.reset();
  }

  static MeanPoint MeanAt(std::int64_t step, const std::vector<double>& values) {
    MeanPoint point{.step = step, .mean = 0, .low = std::nullopt, .high = std::nullopt};
    const double count = static_cast<double>(values.size());
    for (const double value : values) point.mean += value / count;
    double squares = 0;
    for (const double value : values) squares += (value - point.mean) * (value - point.mean);
    const auto half = HalfWidth95(static_cast<std::int64_t>(values.size()), std::sqrt(squares / (count - 1)));
    if (half) {
      point.low = point.mean - *half;
      point.high = point.mean + *half;
    }
    return point;
  }

  static void AddMean(CurveGroup& group, const std::vector<Thinner>& thinned) {
    std::vector<std::size_t> counted;
    bool thin = false;
    for (std::size_t i = 0; i < group.seeds.size(); ++i) {
      if (group.seeds[i].state == "failed" || group.seeds[i].state == "cancelled") continue;
      counted.push_back(i);
      thin = thin || thinned[i].thinned();
    }
    if (counted.size() < 2) return;
    std::map<std::int64_t, std::vector<double>> by_step;
    for (const std::size_t i : counted) {
      if (thin) {
        for (std::size_t stretch = 0; stretch < thinned[i].stretches(); ++stretch) {
          if (const auto mean = thinned[i].MeanOf(stretch))
            by_step[thinned[i].MiddleOf(stretch)].push_back(*mean);
        }
      } else {
        for (const CurvePoint& point : group.seeds[i].points) by_step[point.step].push_back(point.value);
      }
    }
    for (const auto& [step, values] : by_step) {
      if (values.size() == counted.size()) group.mean.push_back(MeanAt(step, values));
    }
  }

  const CurveOptions options_;
  std::size_t most_points_ = 0;
  const std::set<std::string> chosen_;  // ids of trials; empty: all
  Curves& read_;
  SQLite::Database& database_;
  SQLite::Statement names_, first_, last_, points_;
  std::vector<std::vector<TrialAttempts>> trials_;  // beside read_.groups
};

}  // namespace

StatusOr<Curves> ReadCurves(SQLite::Database& database, const SweepFacts& facts,
                            const CurveOptions& options) {
  Curves read;
  read.sweep = facts;
  read.metric = options.metric.empty() ? "train_loss" : options.metric;
  RETURN_IF_ERROR(CurveReader(database, options, read).Read());
  return read;
}

}  // namespace lorikeet::report
