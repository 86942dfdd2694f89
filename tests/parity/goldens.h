// Reads the golden files beside this header (README.md describes them) for the tests of the trainer's
// folders.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sweeps/trial/trial.h"
#include "tests/parity/all_logits.h"
#include "tests/paths.h"
#include "worker/text/tokenizer.h"
#include "worker/trainer/files/tensor_files.h"
#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

using Rows = std::vector<std::vector<text::TokenId>>;

// Models that make_goldens.py makes; the first two have trained adapters and trajectories too.
inline const std::vector<std::string> kGoldenModels = {"t5_v1_0", "t5_v1_1", "tied_unscaled"};
inline const std::vector<std::string> kTrainedGoldenModels = {"t5_v1_0", "t5_v1_1"};
// Adapters that peft saved for them; make_goldens.py says what each is.
inline const std::vector<std::string> kGoldenAdapters = {"lora",      "lora_patterns", "lora_layers",
                                                         "lora_head", "prompt",        "prompt_once"};
// How far fp32 results may be from transformers', relative to their norm.
inline constexpr double kParity = 1e-4;

inline std::string Golden(const std::string& path) {
  return std::string(kTestsDir) + "/parity/goldens/" + path;
}

inline nlohmann::json GoldenJson(const std::string& path) {
  std::ifstream file(Golden(path));
  EXPECT_TRUE(file.is_open()) << Golden(path);
  return nlohmann::json::parse(file);
}

inline std::map<std::string, at::Tensor> GoldenTensors(const std::string& path) {
  auto tensors = ReadTensors(Golden(path));
  EXPECT_TRUE(tensors.ok()) << tensors.status();
  return tensors.ok() ? *std::move(tensors) : std::map<std::string, at::Tensor>{};
}

inline std::unique_ptr<T5> GoldenModel(const std::string& name, const LoadOptions& options = {}) {
  auto model = T5::Load(Golden(name + "/model"), options);
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? *std::move(model) : nullptr;
}

// Rows of ids, padded with 0 to the longest or to `columns`, and which of them are real.
inline std::pair<at::Tensor, at::Tensor> PadRows(const Rows& rows, std::size_t columns = 0) {
  for (const auto& row : rows) columns = std::max(columns, row.size());
  const at::Tensor ids =
      at::zeros({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns)}, at::kLong);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy(rows[i].begin(), rows[i].end(), ids.data_ptr<std::int64_t>() + i * columns);
  }
  const at::Tensor lengths = at::empty({ids.size(0), 1}, at::kLong);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    lengths.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(rows[i].size());
  }
  return {ids, at::arange(ids.size(1)).unsqueeze(0) < lengths};
}

inline Batch MakeBatch(const Rows& sources, const Rows& targets) {
  Batch batch;
  std::tie(batch.source, batch.source_mask) = PadRows(sources);
  std::tie(batch.target, batch.target_mask) = PadRows(targets);
  return batch;
}

inline Batch MakeBatch(const nlohmann::json& golden) {
  return MakeBatch(golden["source"].get<Rows>(), golden["target"].get<Rows>());
}

// What the adapters' golden logits are of.
inline Batch AdapterBatch(const std::string& name) {
  return MakeBatch(GoldenJson(name + "/batches.json")["adapters"]);
}

// ‖actual − expected‖ / ‖expected‖.
inline double Deviation(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor a = actual.detach().to(at::kDouble), b = expected.detach().to(at::kDouble);
  return ((a - b).norm() / b.norm()).item<double>();
}

// ‖actual − expected‖ ≤ tolerance · ‖expected‖ + 1e-8, and the same shape.
inline ::testing::AssertionResult IsClose(const at::Tensor& actual, const at::Tensor& expected,
                                          double tolerance = kParity) {
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure() << "shape " << actual.sizes() << ", expected " << expected.sizes();
  }
  const at::Tensor a = actual.detach().to(at::kDouble), b = expected.detach().to(at::kDouble);
  const double difference = (a - b).norm().item<double>(), norm = b.norm().item<double>();
  if (difference <= tolerance * norm + 1e-8) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "differs by " << difference << ", the norm is " << norm;
}

// Rows of logits [B, T, V] that stand on real target tokens.
inline at::Tensor RealRows(const at::Tensor& logits, const Batch& batch) {
  return logits.flatten(0, 1).index_select(0, batch.target_mask.flatten().nonzero().squeeze(1));
}

// A folder for something saved: temporary, unless LORIKEET_SAVE_TO names where live/check_saved.py will look
// for it.
class SaveFolder {
 public:
  explicit SaveFolder(const std::string& name) {
    const char* const kept = std::getenv("LORIKEET_SAVE_TO");
    kept_ = kept != nullptr;
    path_ = (kept_ ? std::string(kept) : ::testing::TempDir()) + "/" + name;
  }
  ~SaveFolder() {
    if (!kept_) std::filesystem::remove_all(path_);
  }
  SaveFolder(const SaveFolder&) = delete;
  SaveFolder& operator=(const SaveFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  bool kept_;
  std::string path_;
};

inline EvaluateSettings GoldenSettings(const nlohmann::json& json) {
  EvaluateSettings settings;
  settings.beams = json.value("beams", settings.beams);
  settings.max_new_tokens = json.value("max_new_tokens", settings.max_new_tokens);
  settings.min_new_tokens = json.value("min_new_tokens", settings.min_new_tokens);
  settings.length_penalty = json.value("length_penalty", settings.length_penalty);
  settings.no_repeat_ngram_size = json.value("no_repeat_ngram_size", settings.no_repeat_ngram_size);
  settings.early_stopping = json.value("early_stopping", settings.early_stopping);
  return settings;
}

}  // namespace lorikeet::trainer
