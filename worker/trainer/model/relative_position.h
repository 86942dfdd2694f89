// Relative position buckets (Raffel et al., 2020, section 2.1): exact for near positions, logarithmic up to
// relative_attention_max_distance, shared beyond. Block 0's relative_attention_bias serves its whole stack.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace lorikeet::trainer {

struct RelativePositions {
  at::Tensor bias_weight;  // relative_attention_bias.weight [buckets, heads]
  std::int64_t max_distance = 128;
  bool bidirectional = false;  // the encoder looks both ways, with half of the buckets for each
};

// The bucket of each `relative_position` (key's position − query's), int64, same shape. float32, in
// transformers' order of operations: at the logarithmic edges another order gives another bucket.
at::Tensor Buckets(const at::Tensor& relative_position, std::int64_t buckets, std::int64_t max_distance,
                   bool bidirectional);

// What to add to the scores of queries and keys at 0 … length − 1, by query − key = column − (length − 1):
// [heads, 2 length − 1] fp32. Where the stack looks one way only, later keys are masked out by it.
at::Tensor RelativeBias(const RelativePositions& positions, std::int64_t length);

// For decoding: the bias of a query to the key `length − 1 − i` positions before it, i in 0 … length − 1:
// [heads, length] fp32. The last n + 1 columns are those of query n and its keys 0 … n.
at::Tensor BackwardBias(const RelativePositions& positions, std::int64_t length);
// Makes `bias`, undefined at first, a BackwardBias of `length` at least: seldom, since it grows ahead.
void GrowBackwardBias(const RelativePositions& positions, std::int64_t length, at::Tensor& bias);

}  // namespace lorikeet::trainer
