#include "worker/trainer/kernels/row_kernels.h"

#include <cmath>
#include <limits>

// Sums and maxima say `omp simd reduction`: they may run in as many strands as a vector has lanes.
namespace lorikeet::trainer {
namespace {

LORIKEET_INLINE float Dot(std::int64_t count, const float* a, const float* b) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// The factors of one group of columns, from two vectors of 16 whose draws are the halves of one.
LORIKEET_INLINE void GroupFactors(const DropoutMask& mask, const DropoutRow& row, std::int64_t first,
                                  float* factors) {
  const auto word = static_cast<std::uint32_t>(first / 2);
  // Read once: a read that depends on a comparison is a branch, and branches are no vectors.
  const std::uint32_t threshold = mask.threshold;
  const float scale = mask.scale;
  const DropoutRow draws = row;
#pragma omp simd
  for (std::int64_t i = 0; i < kDropoutHalf; ++i) {
    const std::uint32_t draw = Draw(draws, word + static_cast<std::uint32_t>(i));
    factors[i] = (draw & 0xffffU) < threshold ? 0.0f : scale;
    factors[i + kDropoutHalf] = (draw >> 16) < threshold ? 0.0f : scale;
  }
}

// Calls body(i, factor of column i) for each column; loops of whole groups first.
template <typename Body>
LORIKEET_INLINE void WithFactors(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                                 const Body& body) {
  std::int64_t first = 0;
  if (mask.threshold == 0) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) body(i, 1.0f);
    return;
  }
  float factors[kDropoutGroup];
  for (; first + kDropoutGroup <= count; first += kDropoutGroup) {
    GroupFactors(mask, row, first, factors);
#pragma omp simd
    for (std::int64_t i = 0; i < kDropoutGroup; ++i) body(first + i, factors[i]);
  }
  if (first == count) return;
  GroupFactors(mask, row, first, factors);
#pragma omp simd
  for (std::int64_t i = 0; i < count - first; ++i) body(first + i, factors[i]);
}

template <typename From, typename To>
LORIKEET_INLINE void DropInto(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                              const From* x, const float* hidden, To* y) {
  if (hidden) {
    WithFactors(
        mask, row, count, [=](std::int64_t i, float factor) __attribute__((always_inline)) {
          Narrow(hidden[i] + Widen(x[i]) * factor, y[i]);
        });
  } else {
    WithFactors(
        mask, row, count, [=](std::int64_t i, float factor) __attribute__((always_inline)) {
          Narrow(Widen(x[i]) * factor, y[i]);
        });
  }
}

// An activation's value and derivative.
struct Activated {
  float value, slope;
};
// x · σ(2u), u = √(2/π) (x + 0.044715 x³): the tanh form of GELU, as tanh(u) = 2 σ(2u) − 1.
LORIKEET_INLINE Activated GeluNew(float x) {
  constexpr float kRoot = 0.7978845608f, kCube = 0.044715f;
  const float square = x * x;
  const float twice = 2 * kRoot * x * (1 + kCube * square);
  const float small = Exp(twice < 0 ? twice : -twice);
  const float sigmoid = (twice < 0 ? small : 1.0f) / (1 + small);
  const float slope = sigmoid + x * sigmoid * (1 - sigmoid) * 2 * kRoot * (1 + 3 * kCube * square);
  return {x * sigmoid, slope};
}
template <Activation kActivation>
LORIKEET_INLINE Activated Activate(float x) {
  if constexpr (kActivation == Activation::kGeluNew) return GeluNew(x);
  return {x < 0 ? 0.0f : x, x > 0 ? 1.0f : 0.0f};  // not a number stays so
}

template <Activation kActivation, typename T, typename To>
LORIKEET_INLINE void GateWith(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const T* a,
                              const T* b, To* y) {
  if (b) {
    WithFactors(
        mask, row, count, [=](std::int64_t i, float factor) __attribute__((always_inline)) {
          Narrow(Activate<kActivation>(Widen(a[i])).value * Widen(b[i]) * factor, y[i]);
        });
  } else {
    WithFactors(
        mask, row, count, [=](std::int64_t i, float factor) __attribute__((always_inline)) {
          Narrow(Activate<kActivation>(Widen(a[i])).value * factor, y[i]);
        });
  }
}
template <typename T, typename To>
LORIKEET_INLINE void GateInto(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                              const Gate<T>& gate, To* y) {
  if (gate.activation == Activation::kGeluNew) {
    GateWith<Activation::kGeluNew>(mask, row, count, gate.a, gate.b, y);
  } else {
    GateWith<Activation::kRelu>(mask, row, count, gate.a, gate.b, y);
  }
}

template <Activation kActivation, typename T>
LORIKEET_INLINE void GateGradientWith(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                                      const T* a, const T* b, const T* g, T* ga, T* gb) {
  if (b) {
    WithFactors(
        mask, row, count, [=](std::int64_t i, float factor) __attribute__((always_inline)) {
          const Activated activated = Activate<kActivation>(Widen(a[i]));
          const float dropped = Widen(g[i]) * factor;
          Narrow(dropped * Widen(b[i]) * activated.slope, ga[i]);
          Narrow(dropped * activated.value, gb[i]);
        });
  } else {
    WithFactors(
        mask, row, count, [=](std::int64_t i, float factor) __attribute__((always_inline)) {
          Narrow(Widen(g[i]) * factor * Activate<kActivation>(Widen(a[i])).slope, ga[i]);
        });
  }
}
template <typename T>
LORIKEET_INLINE void GateGradientInto(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                                      const Gate<T>& gate, const T* g, T* ga, T* gb) {
  if (gate.activation == Activation::kGeluNew) {
    GateGradientWith<Activation::kGeluNew>(mask, row, count, gate.a, gate.b, g, ga, gb);
  } else {
    GateGradientWith<Activation::kRelu>(mask, row, count, gate.a, gate.b, g, ga, gb);
  }
}

template <typename T>
LORIKEET_INLINE float NormInto(std::int64_t count, double epsilon, const float* x, const float* weight,
                               T* y) {
  const float mean = Dot(count, x, x) / static_cast<float>(count);
  const float inverse = 1 / std::sqrt(mean + static_cast<float>(epsilon));
  for (std::int64_t i = 0; i < count; ++i) Narrow(weight[i] * (x[i] * inverse), y[i]);
  return inverse;
}
template <typename T>
LORIKEET_INLINE void NormGradientInto(std::int64_t count, float inverse, const float* x, const float* weight,
                                      const T* g, float* gx, float* gweight) {
  float dot = 0;
#pragma omp simd reduction(+ : dot)
  for (std::int64_t i = 0; i < count; ++i) dot += Widen(g[i]) * weight[i] * x[i];
  const float along = dot * inverse * inverse * inverse / static_cast<float>(count);
  for (std::int64_t i = 0; i < count; ++i) gx[i] = Widen(g[i]) * weight[i] * inverse - x[i] * along;
  if (!gweight) return;
  for (std::int64_t i = 0; i < count; ++i) gweight[i] += Widen(g[i]) * x[i] * inverse;
}

template <typename T>
LORIKEET_INLINE float CrossEntropyInto(std::int64_t count, std::int64_t label, bool gradient, T* logits) {
  float top = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : top)
  for (std::int64_t i = 0; i < count; ++i) top = top < Widen(logits[i]) ? Widen(logits[i]) : top;
  const float at_label = Widen(logits[label]);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += Exp(Widen(logits[i]) - top);
  const float loss = std::log(sum) + top - at_label;
  if (!gradient) return loss;
  const float inverse = 1 / sum;
  for (std::int64_t i = 0; i < count; ++i) Narrow(Exp(Widen(logits[i]) - top) * inverse, logits[i]);
  Narrow(std::exp(-loss) - 1, logits[label]);
  return loss;
}

}  // namespace

LORIKEET_VECTORISED
void DropRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const float* x,
             const float* hidden, float* y) {
  DropInto(mask, row, count, x, hidden, y);
}
LORIKEET_VECTORISED
void DropRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const Bfloat16Bits* x,
             const float* hidden, float* y) {
  DropInto(mask, row, count, x, hidden, y);
}
LORIKEET_VECTORISED
void DropRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const float* x,
             const float* hidden, Bfloat16Bits* y) {
  DropInto(mask, row, count, x, hidden, y);
}
LORIKEET_VECTORISED
void DropRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const Bfloat16Bits* x,
             const float* hidden, Bfloat16Bits* y) {
  DropInto(mask, row, count, x, hidden, y);
}

LORIKEET_VECTORISED
void GateRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const Gate<float>& gate,
             float* y) {
  GateInto(mask, row, count, gate, y);
}
LORIKEET_VECTORISED
void GateRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
             const Gate<Bfloat16Bits>& gate, Bfloat16Bits* y) {
  GateInto(mask, row, count, gate, y);
}
LORIKEET_VECTORISED
void GateRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count, const Gate<float>& gate,
             Bfloat16Bits* y) {
  GateInto(mask, row, count, gate, y);
}
LORIKEET_VECTORISED
void GateGradientRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                     const Gate<float>& gate, const float* g, float* ga, float* gb) {
  GateGradientInto(mask, row, count, gate, g, ga, gb);
}
LORIKEET_VECTORISED
void GateGradientRow(const DropoutMask& mask, const DropoutRow& row, std::int64_t count,
                     const Gate<Bfloat16Bits>& gate, const Bfloat16Bits* g, Bfloat16Bits* ga,
                     Bfloat16Bits* gb) {
  GateGradientInto(mask, row, count, gate, g, ga, gb);
}

LORIKEET_VECTORISED
void SoftmaxRow(std::int64_t count, const float* position, const float* mask_bias, float* s) {
  if (position) {
    for (std::int64_t i = 0; i < count; ++i) s[i] += position[i];
  }
  if (mask_bias) {
    for (std::int64_t i = 0; i < count; ++i) s[i] += mask_bias[i];
  }
  float top = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : top)
  for (std::int64_t i = 0; i < count; ++i) top = top < s[i] ? s[i] : top;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    s[i] = Exp(s[i] - top);
    sum += s[i];
  }
  const float inverse = 1 / sum;
  for (std::int64_t i = 0; i < count; ++i) s[i] *= inverse;
}

LORIKEET_VECTORISED
float NormRow(std::int64_t count, double epsilon, const float* x, const float* weight, float* y) {
  return NormInto(count, epsilon, x, weight, y);
}
LORIKEET_VECTORISED
float NormRow(std::int64_t count, double epsilon, const float* x, const float* weight, Bfloat16Bits* y) {
  return NormInto(count, epsilon, x, weight, y);
}
LORIKEET_VECTORISED
void NormGradientRow(std::int64_t count, float inverse, const float* x, const float* weight, const float* g,
                     float* gx, float* gweight) {
  NormGradientInto(count, inverse, x, weight, g, gx, gweight);
}
LORIKEET_VECTORISED
void NormGradientRow(std::int64_t count, float inverse, const float* x, const float* weight,
                     const Bfloat16Bits* g, float* gx, float* gweight) {
  NormGradientInto(count, inverse, x, weight, g, gx, gweight);
}

LORIKEET_VECTORISED
void ScoreGathered(std::int64_t keys, std::int64_t width, const float* query, const GatheredRows& key,
                   float* scores) {
  for (std::int64_t n = 0; n < keys; ++n) scores[n] = Dot(width, query, key.data + key.rows[n] * key.stride);
}

LORIKEET_VECTORISED
void MixGathered(std::int64_t keys, std::int64_t width, const float* weights, const GatheredRows& value,
                 float* out) {
  for (std::int64_t i = 0; i < width; ++i) out[i] = 0;
  for (std::int64_t n = 0; n < keys; ++n) {
    const float* const from = value.data + value.rows[n] * value.stride;
    const float weight = weights[n];
#pragma omp simd
    for (std::int64_t i = 0; i < width; ++i) out[i] += weight * from[i];
  }
}

LORIKEET_VECTORISED
float MaximumOf(std::int64_t count, const float* x) {
  float top = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : top)
  for (std::int64_t i = 0; i < count; ++i) top = top < x[i] ? x[i] : top;
  return top;
}

LORIKEET_VECTORISED
float LogSumOf(std::int64_t count, const float* x, float& top) {
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (std::int64_t i = 0; i < count; ++i) largest = largest < x[i] ? x[i] : largest;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += Exp(x[i] - largest);
  top = largest;
  return std::log(sum);
}

LORIKEET_VECTORISED
float CrossEntropyRow(std::int64_t count, std::int64_t label, bool gradient, float* logits) {
  return CrossEntropyInto(count, label, gradient, logits);
}
LORIKEET_VECTORISED
float CrossEntropyRow(std::int64_t count, std::int64_t label, bool gradient, Bfloat16Bits* logits) {
  return CrossEntropyInto(count, label, gradient, logits);
}

}  // namespace lorikeet::trainer
