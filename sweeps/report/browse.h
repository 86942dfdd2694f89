// What the page looks through in a results database: the grid of a sweep's trials, lists of trials, one trial
// with its attempts, settings, history and result, and the statistical comparisons.
//
// Read-only, over a connection of its own; every function reads one snapshot and at most a page of rows.
// Thread-safe in that each Browse is used by one thread. Names and messages are as the database has them:
// whoever shows them cares for control characters and markup.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"

namespace lorikeet::report {

// A window of rows.
struct Window {
  std::int64_t from = 0, most = 100;
};

// What a cell of the grid may show of a trial; the ROUGE ones are in percent and of the test split.
const std::vector<std::string>& GridMetrics();

struct GridCell {
  std::string trial_id, state, failure_kind;
  std::int64_t seed = 0;
  std::optional<double> value;
};
struct GridRow {
  std::int64_t configuration_id = 0;
  std::string configuration, arm;
  bool baseline = false;
  bool candidate = false;       // one that a row's settings are chosen from: its values are of validation
  std::vector<GridCell> cells;  // by seed
};
struct Grid {
  std::int64_t configurations = 0;  // of the sweep
  std::vector<std::int64_t> seeds;  // of the rows' trials, sorted
  std::optional<double> low, high;  // of the whole sweep's values
  std::vector<GridRow> rows;        // in the table's order
};

struct TrialItem {
  std::string id, name, configuration, arm, state, failure_kind, failure_message;
  std::int64_t seed = 0, failures = 0, interruptions = 0, attempts = 0;
  std::string hostname, device;                             // of its last attempt; empty before
  std::string started_at, ended_at;                         // of its last attempt
  std::optional<double> rouge1, rouge2, rougeL, rougeLsum;  // percent, test
};
struct TrialList {
  std::int64_t trials = 0;  // that the filter lets through
  std::vector<TrialItem> items;
};
struct TrialFilter {
  std::string state;  // empty: any
  std::string text;   // that the name contains, in whichever case; empty: any
};

struct AttemptItem {
  std::string id, state, worker_id, hostname, device, device_model, build, failure_kind, failure_message;
  std::string granted_at, started_at, ended_at;  // empty: not yet
  std::int64_t number = 0;
  std::optional<std::int64_t> threads, micro_batch_size;
};
// A column of a row as text or number, in the table's order.
struct NamedValue {
  std::string name;
  std::optional<double> number;
  std::optional<std::string> text;
};
struct ArtifactItem {
  std::string kind, created_at, files;  // JSON list
  std::int64_t step = 0, bytes = 0;
};
struct TrialFacts {
  TrialItem item;
  std::string sweep, sweep_id, settings;  // JSON: the trial file
  std::vector<AttemptItem> attempts;      // by number
  std::vector<NamedValue> result;         // empty: none yet
  std::vector<ArtifactItem> artifacts;
  std::vector<std::string> metrics;  // names of its learning curves
};

struct HistoryItem {
  std::int64_t id = 0;
  std::string time, kind, message, trial, trial_id, attempt_id, hostname;
};
struct HistoryFilter {
  std::string sweep_id, trial_id;  // one of them
  bool logs = false;               // log lines alone, else all but them
  std::int64_t before = 0;         // ids below; 0: the newest
  std::int64_t most = 100;
};

struct ComparisonItem {
  std::string configuration;
  double difference = 0;  // ROUGE points
  std::optional<double> low, high, p_value, p_corrected, detectable;
  std::string verdict, reason;  // empty: none
};
struct Comparisons {
  std::string metric;  // the sweep's primary one where none was asked for
  std::optional<double> margin;
  std::vector<ComparisonItem> items;
};

class Browse {
 public:
  // As Report::Open.
  static StatusOr<std::unique_ptr<Browse>> Open(const std::string& database_path);
  virtual ~Browse() = default;

  // All of these take ids. NotFound: there is no such sweep or trial.
  virtual StatusOr<Grid> ReadGrid(const std::string& sweep_id, const std::string& metric,
                                  const Window& window) = 0;
  // Ids of the trials of these configurations, at most so many, in the table's order.
  virtual StatusOr<std::vector<std::string>> ReadTrialIds(const std::string& sweep_id,
                                                          const std::vector<std::int64_t>& configurations,
                                                          std::size_t most) = 0;
  virtual StatusOr<TrialList> ReadTrials(const std::string& sweep_id, const TrialFilter& filter,
                                         const Window& window) = 0;
  virtual StatusOr<TrialFacts> ReadTrial(const std::string& trial_id) = 0;
  // The newest first.
  virtual StatusOr<std::vector<HistoryItem>> ReadHistory(const HistoryFilter& filter) = 0;
  // Empty `metric`: the primary one.
  virtual StatusOr<Comparisons> ReadComparisons(const std::string& sweep_id, const std::string& metric) = 0;
  // The newest event of each sweep, 0 where it has none: grows with whatever happens to it.
  virtual StatusOr<std::map<std::string, std::int64_t>> LastEvents() = 0;
};

}  // namespace lorikeet::report
