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
  row.validation_rouge1 = validation;
  row.trainable_parameters = 344'064;
  row.trainable_share = 0.006;
  row.train_seconds = 185;
  row.generated_tokens_per_second = 1234.4;
  row.device_model = "CPU one";
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
  full.trainable_parameters = 76'961'152;
  full.trainable_share = 1;
  Row prompt = MakeRow("prompt", "prompt tokens=20", 37.57, 37);
  prompt.trainable_share = 0.0013;
  Row lead = MakeRow("lead", "lead sentences=3", 30, 30);
  lead.trainable_parameters = 0;
  lead.trainable_share = 0;
  lead.train_seconds = 0;
  lead.generated_tokens_per_second = 0;
  table.rows = {full, MakeRow("lora", "lora rank=4", 42, 40), MakeRow("lora", "lora rank=8", 41.09, 43),
                prompt, lead};
  table.notes = {"prompt trains 10 epochs, the others 3"};
  return table;
}

}  // namespace lorikeet::report
