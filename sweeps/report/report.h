// A sweep's ROUGE table from a results database, read-only: for sweepctl, the coordinator's Table call and
// the page.
//
// Opens its own read-only connection; thread-safe in that each Report is used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::report {

struct MeanSd {
  std::optional<double> mean, sd;  // percent; sd NULL with fewer than two seeds and for references
};

struct Row {
  std::string arm, configuration;
  bool baseline = false, reference = false;
  std::int64_t seeds = 0, planned = 0, failed = 0, running = 0;
  std::vector<std::string> failures;  // "1 diverged", "2 oom"
  MeanSd rouge1, rouge2, rougeL, rougeLsum;
  std::optional<double> difference_rouge1;                   // to the baseline, ROUGE points; needs both
  std::optional<double> validation_rouge1, validation_loss;  // what rows are chosen by
  std::optional<std::int64_t> trainable_parameters;
  std::optional<double> trainable_share;  // 0 to 1
  // From here on, but for adapter_bytes: none where the seeds ran on several device models.
  std::optional<double> train_seconds, tokens_per_second, generated_tokens_per_second;
  std::optional<double> latency_p50_seconds, latency_p95_seconds;
  std::optional<std::int64_t> peak_memory_bytes, adapter_bytes;
  std::optional<std::string> device_model;
};

struct Table {
  std::string sweep, sweep_id, state;
  std::string baseline;
  std::int64_t trials = 0, succeeded = 0, failed = 0;
  std::vector<Row> rows;
  bool mixed = false;              // results from several versions of the documents or of the base model
  std::vector<std::string> notes;  // differences in train keys between arms, …
  std::string answer;  // one sentence: the best LoRA and prompt rows, chosen on validation, and the baseline
};

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
