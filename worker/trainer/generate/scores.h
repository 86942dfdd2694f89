// What of a step's logits may be generated next: the processors and the selection that greedy and beam search
// share.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "sweeps/trial/trial.h"
#include "worker/text/tokenizer.h"

namespace lorikeet::trainer {

// One next token of one group of rows: its row within the group, its id, its score.
struct Candidate {
  float score = 0;
  std::int64_t row = 0;
  text::TokenId token = 0;
};

// Sets to −∞ what settings forbid, in place, as transformers' MinNewTokensLength and NoRepeatNGram processors
// do. scores: [rows, V] fp32; histories: each row's tokens so far, the start token first.
void Forbid(const EvaluateSettings& settings, text::TokenId end,
            std::span<const std::vector<text::TokenId>* const> histories, at::Tensor& scores);

// What makes log likelihoods of a row's logits x: x − top − log_sum, in that order.
struct Normalizer {
  float top = 0, log_sum = 0;
};
std::vector<Normalizer> Normalizers(const at::Tensor& logits);

// The `count` best of each group of `rows` neighbouring rows of scores [groups · rows, V] fp32, best first:
// [groups · count]. Scores are made log likelihoods by `normalizers`, and `added` to them; either may be
// empty: then they stay. Ties go to the lower row, then id.
std::vector<Candidate> Best(const at::Tensor& scores, std::span<const Normalizer> normalizers,
                            std::span<const float> added, std::int64_t rows, std::int64_t count);

}  // namespace lorikeet::trainer
