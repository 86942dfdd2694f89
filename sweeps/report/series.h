// What pictures of a sweep are drawn from, read from a results database: the sensitivity to a rank or a
// number of prompt tokens, learning curves, quality beside each cost. For sweepctl, the coordinator's Plot
// call and the page.
//
// Opens its own read-only connection, and each function reads one snapshot; thread-safe in that each Series
// is used by one thread. ROUGE is in percent. No number here is infinite or not a number. Names are as the
// database has them: whoever shows them cares for control characters and markup.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::report {

// The names that a metric of finished trials may have: rouge1, rouge2, rougeL, rougeLsum.
const std::vector<std::string>& ScoreNames();

struct SweepFacts {
  std::string name, id, state;
  std::string primary_metric = "rouge1";  // the sweep file's, where the database knows it
  std::int64_t trials = 0, succeeded = 0, failed = 0;
  std::int64_t seeds = 0;  // of the sweep file
  bool mixed = false;  // results of several versions of the documents or of the base model: not comparable
  std::optional<std::int64_t> test_documents;  // none where no trial has a result, or they differ
  std::vector<std::string> notes;              // differences in train keys between arms, …
};

// A configuration's score on the test split: the mean of its seeds' means.
struct Score {
  std::int64_t seeds = 0;
  std::optional<double> mean, sd;   // sd: of the seeds' means, n - 1; none below two seeds and for references
  std::optional<double> low, high;  // 95 % interval of the mean, Student's t; none where there is no sd
  std::optional<double> lowest, highest;  // of the seeds' means
};

struct SensitivityPoint {
  std::string value;             // as text
  std::optional<double> number;  // where it is one
  Score score;
};

// One line of a plot: an arm's axis, with its other axes held where `held` says ("learning_rate=0.001").
struct SensitivityLine {
  std::string arm, axis, held;
  std::vector<SensitivityPoint> points;  // numbers by size, then other values; without a result too
};

struct Sensitivity {
  SweepFacts sweep;
  std::string metric;
  std::string baseline;                // a configuration's name
  Score baseline_score;                // its interval is the band
  std::vector<SensitivityLine> lines;  // in the order of the view: by arm, axis, held
};

struct CurvePoint {
  std::int64_t step = 0;
  double value = 0;
};

// What one trial reported under a name. A later attempt goes on from a checkpoint: from its first step on it
// stands in place of earlier ones.
struct Curve {
  std::string trial_id, trial, state;
  std::int64_t seed = 0;
  std::vector<CurvePoint> points;  // by step; the lowest and the highest of each stretch where there are more
  std::int64_t reported = 0;       // points before they were thinned
  std::int64_t not_numbers = 0;    // left out
};

struct MeanPoint {
  std::int64_t step = 0;
  double mean = 0;
  std::optional<double> low, high;  // 95 % interval over seeds
};

// A configuration's trials, and the mean of those that were neither given up nor cancelled: as far as all of
// them go.
struct CurveGroup {
  std::string arm, configuration;
  bool baseline = false;
  std::int64_t planned = 0;
  std::vector<Curve> seeds;     // those that have points
  std::vector<MeanPoint> mean;  // empty with fewer than two
};

struct Curves {
  SweepFacts sweep;
  std::string metric;
  std::vector<std::string> metrics;       // that trials of this sweep have reported, sorted
  std::vector<CurveGroup> groups;         // in the table's order; those that have points
  std::int64_t trials = 0, reported = 0;  // curves in them, and points before they were thinned
  std::int64_t left_out = 0;              // trials beyond `most_curves`
};

struct CurveOptions {
  std::string metric;  // empty: train_loss
  // At most so many points a curve, from 8 on; the first, the last and the extremes stay.
  std::size_t most_points = 400;
  // Fewer a curve, but 40, where all of them together have more.
  std::size_t most_in_all = 200'000;
  std::vector<std::string> trials = {};  // ids; empty: all of the sweep
  // The first in the table's order: their points are many, and somebody waits.
  std::int64_t most_curves = 5000;
};

// What a configuration costs, and in which direction less is better.
struct Cost {
  const char* name;     // "train_seconds": as in rouge_table, or of a benchmark
  const char* label;    // "training time"
  const char* unit;     // "s", "B", "tokens/s", ""
  bool more_is_better;  // tokens a second
};
const std::vector<Cost>& Costs();

struct ParetoPoint {
  std::string arm, configuration;
  bool baseline = false, reference = false;
  Score score;
  std::optional<double> cost;  // none where it does not apply, or was measured on several device models
  bool front = false;          // no other is at least as good in both, and better in one
};

struct ParetoPanel {
  Cost cost;
  std::vector<ParetoPoint> points;  // in the table's order; those without a mean or a cost too
};

struct Pareto {
  SweepFacts sweep;
  std::string metric;
  std::vector<std::string> device_models;  // where trials measured them
  std::string benchmark_device_model;      // where `sweepctl bench` did; empty: nowhere
  std::vector<ParetoPanel> panels;         // one a cost
};

class Series {
 public:
  // As Report::Open.
  static StatusOr<std::unique_ptr<Series>> Open(const std::string& database_path);
  virtual ~Series() = default;

  // SWEEP is an id or a name; NotFound names the nearest. InvalidArgument: the metric, axis or cost is not
  // known; the message names the nearest and what there is. An empty metric is the sweep's primary one.
  // With an `axis`, the lines of that axis alone.
  virtual StatusOr<Sensitivity> ReadSensitivity(const std::string& sweep, const std::string& metric,
                                                const std::string& axis) = 0;
  virtual StatusOr<Curves> ReadCurves(const std::string& sweep, const CurveOptions& options) = 0;
  // Empty `cost`: all of them.
  virtual StatusOr<Pareto> ReadPareto(const std::string& sweep, const std::string& metric,
                                      const std::string& cost) = 0;
};

}  // namespace lorikeet::report
