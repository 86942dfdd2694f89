// Makes a small base model by span corruption.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/text/tokenizer.h"
#include "worker/trainer/model/t5.h"
#include "worker/trainer/train/schedule.h"
#include "worker/trainer/train/span_corruption.h"

namespace lorikeet::trainer {

struct PretrainOptions {
  T5Config config;  // its vocabulary is set from the tokenizer
  SpanCorruption corruption;
  std::int64_t steps = 1000, batch_size = 16, micro_batch_size = 16;
  std::int64_t length = 128;  // tokens of a corrupted source, </s> included
  double learning_rate = 1e-3;
  OptimizerSettings optimizer;
  std::string schedule = "linear";
  std::int64_t warmup_steps = 100;
  double gradient_clip = 1.0;
  std::uint64_t seed = 1;
  at::Device device = at::kCPU;
};

struct PretrainProgress {
  std::int64_t step = 0;
  double loss = 0;  // of this step
  std::int64_t tokens = 0;
};

// Trains a fresh model on `texts`, each cut into pieces of a fixed length; a new draw of hidden spans
// whenever a piece comes up again. The same options and texts give the same model.
StatusOr<std::unique_ptr<T5>> Pretrain(const PretrainOptions& options, const std::vector<std::string>& texts,
                                       const text::Tokenizer& tokenizer,
                                       const std::function<void(const PretrainProgress&)>& report);

}  // namespace lorikeet::trainer
