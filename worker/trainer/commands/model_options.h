// The options that generate, loss and bench share, and what they name, loaded.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/text/documents.h"
#include "worker/trainer/train/data.h"
#include "worker/trainer/train/evaluate.h"
#include "worker/trainer/train/loaded_model.h"

namespace lorikeet::trainer {

struct ModelOptions {
  std::string model, adapter, input;
  std::string precision = "fp32", device = "cpu", source_prefix;
  std::string format = "auto", source_field = "article", target_field = "abstract", id_field = "id";
  std::int64_t batch = 16, threads = 0, max_source_tokens = 1024, max_target_tokens = 256;
  std::optional<std::int64_t> documents;  // the first N of the input; unset: all
};

void AddModelOptions(CLI::App& command, ModelOptions& options);
// How summaries are decoded: --beams and what belongs to it.
void AddDecodingOptions(CLI::App& command, EvaluateSettings& options);

struct LoadedInput {
  LoadedModel loaded;
  Split split;  // tokenised
  std::int64_t empty = 0;
  std::string precision;  // what is computed in, where the device has no bf16 too
};

// Sets up compute, loads the model and reads the input. Without `target_needed` abstracts may be missing.
StatusOr<LoadedInput> LoadInput(const ModelOptions& options, bool target_needed);

// One line a document, in the split's order: id, summary, tokens.
std::string SummaryLines(const Split& split, const Summaries& summaries);

// Runs `work`, catches what LibTorch throws, prints the error and gives the exit code. Standard input is left
// alone.
int RunCommand(const std::string& command, const std::function<Status()>& work);

}  // namespace lorikeet::trainer
