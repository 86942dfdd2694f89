// Makes a small base model by span corruption; where asked for, also by going on with texts and by pairs of a
// source and a target (the multi-task mixture of Raffel et al., 2020, section 3.5).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/text/documents.h"
#include "worker/text/tokenizer.h"
#include "worker/trainer/model/t5.h"
#include "worker/trainer/train/schedule.h"
#include "worker/trainer/train/span_corruption.h"

namespace lorikeet::trainer {

struct PretrainOptions {
  T5Config config;  // its vocabulary is set from the tokenizer
  SpanCorruption corruption;
  double prefix_lm = 0;   // share of the pieces that are cut in two instead of corrupted
  double pair_share = 0;  // share of a batch's examples that are pairs; what texts give is the rest
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

// What a model is pretrained on.
struct PretrainTexts {
  std::vector<std::string> texts;
  std::vector<text::Document> pairs;  // source and target, each cut to the length of a piece
};

struct PretrainProgress {
  std::int64_t step = 0;
  double loss = 0;  // of this step
  std::int64_t tokens = 0;
};

// Trains a fresh model on `texts`: texts are each cut into pieces of a fixed length; a new draw of hidden
// spans whenever a piece comes up again. The same options and texts give the same model.
StatusOr<std::unique_ptr<T5>> Pretrain(const PretrainOptions& options, const PretrainTexts& texts,
                                       const text::Tokenizer& tokenizer,
                                       const std::function<void(const PretrainProgress&)>& report);

}  // namespace lorikeet::trainer
