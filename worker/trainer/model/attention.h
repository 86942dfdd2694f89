// Multi-head attention as T5 has it: no biases, scores not divided by √d_kv, a position bias added to them.
//
// Shapes: B batch, H heads, K d_kv, Q queries, N keys, D d_model. H·K need not be D.
#pragma once

#include <ATen/ATen.h>

#include "worker/trainer/model/linear.h"

namespace lorikeet::trainer {

struct Attention {
  Linear q, k, v;  // [H·K, D]
  Linear o;        // [D, H·K]
  std::int64_t heads = 0;
};

// What is added to the scores, fp32; either may be undefined.
struct ScoreBias {
  at::Tensor position;  // [1, H, Q, N]
  at::Tensor mask;      // [B, 1, 1, N]: see MaskBias
};

// One of q, k, v applied to x [B, n, D] and cut into heads: [B, H, n, K].
at::Tensor Project(const Linear& linear, std::int64_t heads, const at::Tensor& x,
                   const ForwardContext& context);

// dropout(softmax(query · keyᵀ + bias)) · value, heads joined and o applied: [B, Q, D] in the products' type.
// query [B, H, Q, K]; key, value [B, H, N, K].
at::Tensor Attend(const Attention& attention, const at::Tensor& query, const at::Tensor& key,
                  const at::Tensor& value, const ScoreBias& bias, const ForwardContext& context);

// How AttendStep finds its keys: rows of K that a decoding appends to, or columns, which are faster to read.
enum class KeyLayout {
  kRows,     // [B, H, capacity, K], of which the first `keys` count
  kColumns,  // [B, H, K, keys]
};

// The same for one query a row, without dropout or gradients, before o: [rows, H·K]. query [rows, H·K]; value
// [B, H, capacity, K]; rows is a multiple of B: a document's rows are neighbours. Contiguous all.
// position [H, keys] or undefined; mask [B, 1, 1, keys] or undefined.
at::Tensor AttendStep(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                      KeyLayout layout, std::int64_t keys, const ScoreBias& bias);

// mask [B, N], true where there is something to attend to: 0 there, else float's lowest; [B, 1, 1, N] fp32.
// Undefined where nothing is masked out, so that no product pays for it.
at::Tensor MaskBias(const at::Tensor& mask);
// Each query sees itself and what is before it: [1, 1, length, length] fp32.
at::Tensor CausalBias(std::int64_t length, at::Device device);

}  // namespace lorikeet::trainer
