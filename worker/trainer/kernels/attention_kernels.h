// The element-wise work of attention on a block of scores that stays in the cache. Scores are held
// transposed: a row for each key, a column for each query, so that a query's maximum and sum go down columns,
// whole vectors of queries at a time. Plain pointers; thread-safe.
//
// T is float, or bfloat16's bits. Matrices "in pairs" are the right-hand operands of MicroGemm: plain for
// float, two rows interleaved for bfloat16.
#pragma once

#include <cstdint>

#include "worker/trainer/kernels/dropout_mask.h"
#include "worker/trainer/kernels/vectorised.h"

namespace lorikeet::trainer {

// Keys come in groups of so many (dropout's), queries in vectors: buffers are padded to both.
inline constexpr std::int64_t kKeyGroup = kDropoutGroup, kQueryVector = 16;

struct ScoreBlock {
  std::int64_t keys = 0;     // a multiple of kKeyGroup
  std::int64_t queries = 0;  // a multiple of kQueryVector; also the rows' stride
  float* scores = nullptr;   // [keys, queries]
  // Added to row n: relative[q − n] at column q (null: nothing), and key_bias[n] (−∞ for keys that pad).
  const float* relative = nullptr;
  const float* key_bias = nullptr;
  // Dropout: each query's draws, or null.
  const std::uint32_t* starts = nullptr;
  const std::uint32_t* strides = nullptr;
  std::uint32_t threshold = 0;
  float scale = 1;
};

// weights [keys, queries] in pairs = dropout(e^(scores + bias − top)), for each query its `top` and the sum
// of the exponentials before dropout. The scores come back with their bias added.
void Exponentials(const ScoreBlock& block, float* weights, float* top, float* sum);
void Exponentials(const ScoreBlock& block, Bfloat16Bits* weights, float* top, float* sum);

// What the backward pass makes of scores and the gradients of the weights.
template <typename T>
struct ScoreGradients {
  const float* weight_gradients = nullptr;  // [keys, queries], of the weights after dropout
  const float* log_sum = nullptr;           // [queries]: top + log(sum) of the forward pass
  const float* delta = nullptr;             // [queries]: output · its gradient
  T* dropped = nullptr;                     // [keys, queries]: the weights after dropout
  T* gradients = nullptr;                   // [keys, queries], of the scores
  T* gradients_in_pairs = nullptr;          // the same in pairs; null for float
  // Where the scores' gradients are summed by q − n, or null: kKeyGroup tables, key n into table n %
  // kKeyGroup, so that neighbouring keys do not wait for each other's sums.
  float* relative = nullptr;
  std::int64_t relative_stride = 0;  // from one table to the next; the pointer is at q − n = 0
};
void Gradients(const ScoreBlock& block, const ScoreGradients<float>& gradients);
void Gradients(const ScoreBlock& block, const ScoreGradients<Bfloat16Bits>& gradients);

}  // namespace lorikeet::trainer
