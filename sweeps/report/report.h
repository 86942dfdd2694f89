// A sweep's ROUGE table from a results database, read-only: for sweepctl, the coordinator's Table call and
// the page.
//
// Opens its own read-only connection; thread-safe in that each Report is used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::report {

struct MeanSd {
  std::optional<double> mean, sd;  // percent; sd NULL with fewer than two seeds and for references
};

// A row beside the baseline, by the sweep's primary metric, in ROUGE points. docs/verdicts.md.
struct Comparison {
  std::optional<double> difference;  // needs both
  std::optional<double> low, high;   // 95 % interval, not corrected for other rows
  std::optional<double> p_value, p_corrected;
  std::optional<double> detectable;  // a true difference that 80 of 100 such sweeps would find
  std::string verdict = {};          // better, worse, equivalent, not worse, not shown, withheld
  std::string reason = {};           // why it is withheld, or what else is to be known of it
};

// By a metric that is not one of the trainer's, in its own unit; difference and interval to the baseline.
struct OtherScore {
  MeanSd value;
  std::int64_t seeds = 0;
  std::optional<double> difference, low, high, p_value, p_corrected;
};

struct Row {
  std::string arm, configuration;
  bool baseline = false, reference = false;
  // Of a row of somebody else's: arm "foreign", a reference, or arm "imported", which is tested; empty: the
  // sweep's own.
  std::string source = {};
  std::int64_t seeds = 0, planned = 0, failed = 0, running = 0;
  std::vector<std::string> failures;  // "1 diverged", "2 oom"
  MeanSd rouge1, rouge2, rougeL, rougeLsum;
  std::optional<double> difference_rouge1;   // to the baseline, ROUGE points; needs both
  Comparison comparison;                     // of all rows but the baseline
  std::optional<double> validation_primary;  // what rows are chosen by, percent
  std::optional<double> validation_rouge1, validation_loss;
  std::int64_t tries = 1;        // how many settings its own were chosen from
  std::string chosen = {};       // the configuration that it became; empty: none was to be chosen, or is yet
  std::string edge = {};         // tuned axes of which it has the least or largest value that was tried
  bool still_improving = false;  // at half of the seeds or more, the best checkpoint was the last
  std::optional<std::int64_t> trainable_parameters;
  std::optional<double> trainable_share;  // 0 to 1
  std::optional<double> device_hours;     // all attempts together, times the slots that each took
  // From here on, but for adapter_bytes: none where the seeds ran on several device models.
  std::optional<double> train_seconds, tokens_per_second, generated_tokens_per_second;
  std::optional<double> latency_p50_seconds, latency_p95_seconds;
  std::optional<std::int64_t> peak_memory_bytes, adapter_bytes;
  std::optional<std::string> device_model;
  std::map<std::string, OtherScore> scores = {};  // by metric, as far as it is scored
};

// What a summary costs by itself, as `sweepctl bench` measured it: an adapter as it is or merged, or the base
// model (without a configuration).
struct Benchmark {
  std::string configuration = {}, variant = {}, trial = {};
  double latency_p50_seconds = 0, latency_p95_seconds = 0;  // of one document
  std::int64_t batch = 0;                                   // documents at a time, for the next
  double tokens_per_second = 0, tokens_per_summary = 0;
  std::int64_t extra_tokens = 0;  // rows that a prompt puts before every source
  std::string measured_at = {};
};
// All measured alike.
struct Benchmarks {
  std::string hostname = {}, device = {}, device_model = {}, precision = {}, build = {};
  std::int64_t threads = 0, beams = 0, documents = 0;
  std::vector<Benchmark> rows = {};  // the base model, then in the table's order; empty: nothing was measured
};

struct Table {
  std::string sweep, sweep_id, state;
  std::string baseline;
  std::int64_t trials = 0, succeeded = 0, failed = 0;
  std::vector<Row> rows;
  Benchmarks benchmarks;
  std::vector<std::string> metrics = {"rouge1", "rouge2", "rougeL", "rougeLsum"};  // the score columns
  std::vector<std::string> more_metrics = {};  // that rows are scored by besides, and that may be columns
  std::string primary = "rouge1";              // the metric of the verdicts
  double margin = 0.5;                         // ROUGE points
  std::int64_t family = 0;                     // rows that p-values are corrected for
  std::int64_t imported = 0;       // rows of somebody else's that are tested, and corrected for besides
  bool extended = false;           // rows or seeds came after the submission
  bool mixed = false;              // results from several versions of the documents or of the base model
  std::vector<std::string> notes;  // differences in train keys between arms, …
  std::string answer;  // one sentence: the best LoRA and prompt rows, chosen on validation, and the baseline
};

// The row's score by that metric: rouge1, rouge2, rougeL or rougeLsum, or another that it is scored by.
inline const MeanSd& ScoreOf(const Row& row, const std::string& metric) {
  if (const auto other = row.scores.find(metric); other != row.scores.end()) return other->second.value;
  static const MeanSd none;
  return metric == "rouge1"      ? row.rouge1
         : metric == "rouge2"    ? row.rouge2
         : metric == "rougeL"    ? row.rougeL
         : metric == "rougeLsum" ? row.rougeLsum
                                 : none;
}

// The row's score by a metric that came from outside; empty where it is not scored by it.
inline const OtherScore& OtherScoreOf(const Row& row, const std::string& metric) {
  static const OtherScore none;
  const auto found = row.scores.find(metric);
  return found == row.scores.end() ? none : found->second;
}

enum class Format { kText, kMarkdown, kLatex, kCsv, kJson };
StatusOr<Format> ParseFormat(const std::string& name);

class Report {
 public:
  static StatusOr<std::unique_ptr<Report>> Open(const std::string& database_path);
  virtual ~Report() = default;
  // SWEEP is an id or a name; NotFound names the nearest.
  virtual StatusOr<Table> ReadTable(const std::string& sweep) = 0;
  virtual StatusOr<std::vector<std::string>> SweepNames() = 0;
};

// `colour` only matters for text: the baseline and the best rows stand out.
std::string Render(const Table& table, Format format, bool colour = false);

}  // namespace lorikeet::report
