// Summaries from a model: greedy and beam search with a key/value cache, as transformers' generate does them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sweeps/trial/trial.h"
#include "worker/text/tokenizer.h"
#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

struct Generated {
  std::vector<text::TokenId> tokens;  // without the start token and the closing </s>
  bool ended = false;                 // </s> was generated; else max_new_tokens cut it
};

// One batch. sources: token ids with their closing </s>, of any lengths; padding does not change what is
// generated.
std::vector<Generated> Generate(const T5& model, const ForwardContext& context,
                                std::span<const std::vector<text::TokenId>> sources,
                                const EvaluateSettings& settings);

}  // namespace lorikeet::trainer
