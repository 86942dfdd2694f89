// Multi-head attention as T5 has it: no biases, scores not divided by √d_kv, a position bias added to them.
//
// Shapes: B batch, H heads, K d_kv, Q queries, N keys, D d_model. H·K need not be D.
#pragma once

#include <ATen/ATen.h>

#include <limits>

#include "worker/trainer/model/linear.h"

namespace lorikeet::trainer {

struct Attention {
  Linear q, k, v;  // [H·K, D]
  Linear o;        // [D, H·K]
  std::int64_t heads = 0;
};

// What is added to the scores, fp32; either may be undefined.
struct ScoreBias {
  at::Tensor relative;  // [H, N − 1 + Q], what is added at query − key = column − (N − 1): see RelativeBias
  at::Tensor mask;  // [B, N]: see MaskBias
};

// One of q, k, v applied to x [B, n, D] and cut into heads: [B, H, n, K].
at::Tensor Project(const Linear& linear, std::int64_t heads, const at::Tensor& x,
                   const ForwardContext& context);

// dropout(softmax(query · keyᵀ + bias)) · value, heads joined and o applied: [B, Q, D] in the products' type.
// query [B, H, Q, K]; key, value [B, H, N, K].
at::Tensor Attend(const Attention& attention, const at::Tensor& query, const at::Tensor& key,
                  const at::Tensor& value, const ScoreBias& bias, const ForwardContext& context);

// Lowest, not −∞: a row with everything masked out stays finite, as in transformers.
inline constexpr float kMasked = std::numeric_limits<float>::lowest();

// mask [B, N], true where there is something to attend to: 0 there, else kMasked; fp32.
// Undefined where nothing is masked out, so that no product pays for it.
at::Tensor MaskBias(const at::Tensor& mask);

}  // namespace lorikeet::trainer
