// Loops over rows on the CPU that would else be several passes over memory each; arithmetic in fp32. Plain
// pointers; thread-safe. T is float, or bfloat16's bits.
#pragma once

#include <cstdint>

#include "worker/trainer/kernels/dropout_mask.h"
#include "worker/trainer/kernels/vectorised.h"

namespace lorikeet::trainer {

// y = dropout(x), or hidden + dropout(x) where there is a hidden (else null). y may be x or hidden.
void DropRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const float* x,
             const float* hidden, float* y);
void DropRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const Bfloat16Bits* x,
             const float* hidden, float* y);
void DropRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const float* x,
             const float* hidden, Bfloat16Bits* y);
void DropRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const Bfloat16Bits* x,
             const float* hidden, Bfloat16Bits* y);

// y = weight · x / √(mean(x²) + ε); returns 1 / √(mean(x²) + ε).
float NormRow(std::int64_t count, double epsilon, const float* x, const float* weight, float* y);
float NormRow(std::int64_t count, double epsilon, const float* x, const float* weight, Bfloat16Bits* y);

// gx = the gradient of x from that of y, `g`; adds to gweight unless it is null.
void NormGradientRow(std::int64_t count, float inverse, const float* x, const float* weight, const float* g,
                     float* gx, float* gweight);
void NormGradientRow(std::int64_t count, float inverse, const float* x, const float* weight,
                     const Bfloat16Bits* g, float* gx, float* gweight);

// The feed forward's middle: y = dropout(activation(a) · b), b null without a gate.
enum class Activation { kRelu, kGeluNew };
template <typename T>
struct Gate {
  Activation activation = Activation::kRelu;
  const T* a = nullptr;
  const T* b = nullptr;
};
void GateRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const Gate<float>& gate,
             float* y);
void GateRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
             const Gate<Bfloat16Bits>& gate, Bfloat16Bits* y);
void GateRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const Gate<float>& gate,
             Bfloat16Bits* y);
// ga, gb: from g, the gradient of y; gb null without a gate.
void GateGradientRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                     const Gate<float>& gate, const float* g, float* ga, float* gb);
void GateGradientRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                     const Gate<Bfloat16Bits>& gate, const Bfloat16Bits* g, Bfloat16Bits* ga,
                     Bfloat16Bits* gb);

// s = softmax(s + position + mask_bias); either bias may be null.
void SoftmaxRow(std::int64_t count, const float* position, const float* mask_bias, float* s);

// Rows that lie where `rows` says: row n at data + rows[n] · stride.
struct GatheredRows {
  const float* data;
  const std::int64_t* rows;
  std::int64_t stride;
};
// scores[n] = query [width] · key n.
void ScoreGathered(std::int64_t keys, std::int64_t width, const float* query, const GatheredRows& key,
                   float* scores);
// out [width] = Σ weights[n] · value n.
void MixGathered(std::int64_t keys, std::int64_t width, const float* weights, const GatheredRows& value,
                 float* out);

float MaximumOf(std::int64_t count, const float* x);
// log Σ e^(x − top), and top, the largest of x.
float LogSumOf(std::int64_t count, const float* x, float& top);

// Of one row of logits: −log softmax at `label`. With `gradient` the row becomes that: softmax − one hot.
float CrossEntropyRow(std::int64_t count, std::int64_t label, bool gradient, float* logits);
float CrossEntropyRow(std::int64_t count, std::int64_t label, bool gradient, Bfloat16Bits* logits);

}  // namespace lorikeet::trainer
