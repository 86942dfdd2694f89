// Tables made by hand, for the formats and the sentence.
#pragma once

#include <string>

#include "sweeps/report/report.h"

namespace lorikeet::report {

inline Row MakeRow(const std::string& arm, const std::string& configuration, double rouge1,
                   double validation) {
  Row row;
  row.arm = arm;
  row.configuration = configuration;
  row.reference = arm == "zero_shot" || arm == "lead";
  row.seeds = row.planned = row.reference ? 1 : 3;
  const auto sd = [&](double value) { return row.reference ? std::nullopt : std::optional<double>(value); };
  row.rouge1 = {.mean = rouge1, .sd = sd(0.21)};
  row.rouge2 = {.mean = rouge1 / 2, .sd = sd(0.105)};
  row.rougeL = {.mean = 9.5, .sd = sd(1)};
  row.rougeLsum = {.mean = 10, .sd = sd(0)};
  row.difference_rouge1 = rouge1 - 40.67;
  row.comparison.difference = row.difference_rouge1;
  row.validation_rouge1 = row.validation_primary = validation;
  row.trainable_parameters = 344'064;
  row.trainable_share = 0.006;
  row.train_seconds = 185;
  row.generated_tokens_per_second = 1234.4;
  row.device_model = "CPU one";
  return row;
}

// What the test said of a row.
inline Row Judged(Row row, double low, double high, double p, const std::string& verdict) {
  row.comparison.low = low;
  row.comparison.high = high;
  row.comparison.p_value = p / 3;
  row.comparison.p_corrected = p;
  row.comparison.detectable = (high - low) * 0.7;
  row.comparison.verdict = verdict;
  return row;
}

inline Table MakeTable() {
  Table table;
  table.sweep = "demo";
  table.sweep_id = "s-1";
  table.state = "finished";
  table.baseline = "full";
  table.trials = table.succeeded = 14;
  Row full = MakeRow("full", "full", 40.67, 41);
  full.baseline = true;
  full.difference_rouge1.reset();
  full.comparison = {};
  full.trainable_parameters = 76'961'152;
  full.trainable_share = 1;
  Row prompt = Judged(MakeRow("prompt", "prompt tokens=20", 37.57, 37), -3.9, -2.3, 0.0003, "worse");
  prompt.trainable_share = 0.0013;
  Row lead = MakeRow("lead", "lead sentences=3", 30, 30);
  lead.trainable_parameters = 0;
  lead.trainable_share = 0;
  lead.train_seconds = 0;
  lead.generated_tokens_per_second = 0;
  table.family = 3;
  table.rows = {full, Judged(MakeRow("lora", "lora rank=4", 42, 40), 0.4, 2.26, 0.012, "better"),
                Judged(MakeRow("lora", "lora rank=8", 41.09, 43), -0.2, 1.04, 0.34, "not worse"), prompt,
                lead};
  table.notes = {"prompt trains 10 epochs, the others 3"};
  return table;
}

}  // namespace lorikeet::report
