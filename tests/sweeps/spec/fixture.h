// A good sweep file to spoil, and its mistakes line by line.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "sweeps/spec/spec.h"

namespace lorikeet::spec {

inline const std::string& GoodFile() {
  static const std::string& text = *new std::string(
      R"(sweep: study                          # line 1
model: models/t5
data:
  format: auto
  train: data/train.jsonl.gz
  validation: data/validation.jsonl.gz
  test: /data/test.jsonl.gz
  fields: {source: article, target: abstract, id: id}
  source_prefix: "summarize: "
  max_source_tokens: 512
  max_target_tokens: 128
  limit: {train: 2000, validation: 200, test: 400}
train:
  epochs: 3
  batch_size: 16
  micro_batch_size: 4
  optimizer: {name: adamw, weight_decay: 0.01, betas: [0.9, 0.98], eps: 1e-6}
  schedule: cosine
  warmup_steps: 10
  precision: bf16
  dropout: 0.1
  gradient_clip: 0.5
  validate_every: 50
  keep: last
  keep_by: validation_rouge1
  patience: 3
evaluate:
  beams: 4
  max_new_tokens: 128
  min_new_tokens: 8
  length_penalty: 0.6
  no_repeat_ngram_size: 3
  early_stopping: true
  batch_size: 8
  sentence_split: newline
arms:
  lora: {rank: [1, 8], alpha_over_rank: 2, targets: [[q, v], [q, k, v, o]], dropout: 0.05, learning_rate: 1.0e-3}
  full: {learning_rate: 1.0e-4}
  lead: {sentences: [3, 10]}
  prompt: {tokens: [5, 20], init: random, epochs: 10, learning_rate: 0.3}
  zero_shot: {}
seeds: [3, 1]
baseline: full
resources: {gpus: 1, memory: 10GiB, threads: 2}
retry: {attempts: 5, backoff: 1m30s}
time_limit: 6h
)");
  return text;
}

// `text` with its one `from` replaced.
inline std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::invalid_argument("not in the file: " + from);
  return text.replace(at, from.size(), to);
}
inline std::string With(const std::string& from, const std::string& to) {
  return Replaced(GoodFile(), from, to);
}

// For schema_test.py, which puts the same files to the schema: where LORIKEET_SWEEP_FILES names a folder, the
// file and its mistakes are written there.
inline void WriteDown(const std::string& yaml, const StatusOr<Sweep>& sweep) {
  static const char* const folder = std::getenv("LORIKEET_SWEEP_FILES");
  static int files = 0;
  if (folder == nullptr) return;
  const std::string name = fmt::format("{}/{:06}", folder, files++);
  std::ofstream(name + ".sweep", std::ios::binary) << yaml;
  std::ofstream(name + ".mistakes", std::ios::binary) << (sweep.ok() ? "" : Message(sweep.status()) + "\n");
}

inline StatusOr<Sweep> Parse(const std::string& yaml,
                             const std::map<std::string, std::string>& variables = {}) {
  ParseOptions options;
  options.file = "/sweeps/s.yaml";
  options.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  StatusOr<Sweep> sweep = ParseSweep(yaml, options);
  WriteDown(yaml, sweep);
  return sweep;
}

// The mistakes, a line each; empty for a good file.
inline std::vector<std::string> LinesOf(const StatusOr<Sweep>& sweep) {
  std::vector<std::string> mistakes;
  if (sweep.ok()) return mistakes;
  std::istringstream lines(Message(sweep.status()));
  for (std::string line; std::getline(lines, line);) mistakes.push_back(line);
  return mistakes;
}
inline std::vector<std::string> MistakesOf(const std::string& yaml) { return LinesOf(Parse(yaml)); }

}  // namespace lorikeet::spec
