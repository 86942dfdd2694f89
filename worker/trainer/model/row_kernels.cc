#include "worker/trainer/model/row_kernels.h"

#include <bit>
#include <cmath>
#include <limits>

// The compiler makes a version for each instruction set, and the loader picks one; elsewhere there is one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LORIKEET_VECTORISED __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define LORIKEET_VECTORISED
#endif

namespace lorikeet::trainer {
namespace {

// Sums run in this many strands: a fixed order that the compiler may vectorise.
constexpr std::int64_t kStrands = 32;

// SplitMix64's output function (Steele, Lea and Flood, 2014): a bijection that scatters neighbouring inputs.
inline __attribute__((always_inline)) std::uint64_t Scatter(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Two rounds of a 32-bit finaliser (Wellons' lowbias32): what vector units have the multiplications for.
inline __attribute__((always_inline)) std::uint32_t Scatter32(std::uint32_t z) {
  z = (z ^ (z >> 16)) * 0x7feb352dU;
  z = (z ^ (z >> 15)) * 0x846ca68bU;
  return z ^ (z >> 16);
}

// eˣ for x ≤ 0, to two units in the last place (Cephes' expf: reduction by ln 2, a polynomial of degree 5).
inline __attribute__((always_inline)) float Exp(float x) {
  constexpr float kSmallest = -87.0f, kRound = 12582912.0f;  // 1.5 · 2²³: adding it rounds to an integer
  const float clamped = x < kSmallest ? kSmallest : x;
  const float n = (clamped * 1.44269504f + kRound) - kRound;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const float power = std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
  return x < kSmallest ? 0.0f : p * power;
}

// Halves added to halves: short chains of additions that vectorise, instead of one long one.
inline __attribute__((always_inline)) float Sum(float* strands) {
  for (std::int64_t half = kStrands / 2; half > 0; half /= 2) {
    for (std::int64_t i = 0; i < half; ++i) strands[i] += strands[i + half];
  }
  return strands[0];
}

inline __attribute__((always_inline)) float InlineDot(std::int64_t count, const float* a, const float* b) {
  float strands[kStrands] = {};
  std::int64_t i = 0;
  for (; i + kStrands <= count; i += kStrands) {
    for (std::int64_t j = 0; j < kStrands; ++j) strands[j] += a[i + j] * b[i + j];
  }
  float sum = Sum(strands);
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

LORIKEET_VECTORISED
void DropRow(const DropoutMask& mask, std::uint64_t row, std::int64_t count, const float* x, float* y,
             bool add) {
  const std::uint64_t bits = Scatter(mask.key + (row + 1) * 0x9e3779b97f4a7c15);
  const auto low = static_cast<std::uint32_t>(bits), high = static_cast<std::uint32_t>(bits >> 32);
  const std::uint32_t threshold = mask.threshold;
  const float scale = mask.scale;
  if (add) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint32_t drawn = Scatter32(Scatter32(static_cast<std::uint32_t>(i) + low) ^ high) >> 16;
      y[i] += x[i] * (drawn < threshold ? 0.0f : scale);
    }
  } else {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint32_t drawn = Scatter32(Scatter32(static_cast<std::uint32_t>(i) + low) ^ high) >> 16;
      y[i] = x[i] * (drawn < threshold ? 0.0f : scale);
    }
  }
}

LORIKEET_VECTORISED
void SoftmaxRow(std::int64_t count, const float* position, const float* mask_bias, float* s) {
  if (position) {
    for (std::int64_t i = 0; i < count; ++i) s[i] += position[i];
  }
  if (mask_bias) {
    for (std::int64_t i = 0; i < count; ++i) s[i] += mask_bias[i];
  }
  float strands[kStrands];
  for (float& strand : strands) strand = -std::numeric_limits<float>::infinity();
  std::int64_t i = 0;
  for (; i + kStrands <= count; i += kStrands) {
    for (std::int64_t j = 0; j < kStrands; ++j) strands[j] = strands[j] < s[i + j] ? s[i + j] : strands[j];
  }
  for (std::int64_t half = kStrands / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j < half; ++j) {
      strands[j] = strands[j] < strands[j + half] ? strands[j + half] : strands[j];
    }
  }
  float top = strands[0];
  for (; i < count; ++i) top = top < s[i] ? s[i] : top;

  for (float& strand : strands) strand = 0;
  for (i = 0; i < count; ++i) s[i] = Exp(s[i] - top);
  for (i = 0; i + kStrands <= count; i += kStrands) {
    for (std::int64_t j = 0; j < kStrands; ++j) strands[j] += s[i + j];
  }
  float sum = Sum(strands);
  for (; i < count; ++i) sum += s[i];
  const float inverse = 1 / sum;
  for (i = 0; i < count; ++i) s[i] *= inverse;
}

LORIKEET_VECTORISED
void SoftmaxGradientRow(std::int64_t count, const float* p, float* g) {
  const float dot = InlineDot(count, p, g);
  for (std::int64_t i = 0; i < count; ++i) g[i] = p[i] * (g[i] - dot);
}

LORIKEET_VECTORISED
float NormRow(std::int64_t count, double epsilon, const float* x, const float* weight, float* y) {
  const float mean = InlineDot(count, x, x) / static_cast<float>(count);
  const float inverse = 1 / std::sqrt(mean + static_cast<float>(epsilon));
  for (std::int64_t i = 0; i < count; ++i) y[i] = weight[i] * (x[i] * inverse);
  return inverse;
}

LORIKEET_VECTORISED
void NormGradientRow(std::int64_t count, float inverse, const float* x, const float* weight, const float* g,
                     float* gx, float* gweight) {
  float strands[kStrands] = {};
  std::int64_t i = 0;
  for (; i + kStrands <= count; i += kStrands) {
    for (std::int64_t j = 0; j < kStrands; ++j) strands[j] += g[i + j] * weight[i + j] * x[i + j];
  }
  float dot = Sum(strands);
  for (; i < count; ++i) dot += g[i] * weight[i] * x[i];
  const float along = dot * inverse * inverse * inverse / static_cast<float>(count);
  for (i = 0; i < count; ++i) gx[i] = g[i] * weight[i] * inverse - x[i] * along;
  if (!gweight) return;
  for (i = 0; i < count; ++i) gweight[i] += g[i] * x[i] * inverse;
}

LORIKEET_VECTORISED
void ScoreKeys(std::int64_t keys, std::int64_t width, const float* query, const float* key, float* scores) {
  for (std::int64_t n = 0; n < keys; ++n) scores[n] = InlineDot(width, query, key + n * width);
}

LORIKEET_VECTORISED
void MixValues(std::int64_t keys, std::int64_t width, const float* weights, const float* value, float* out) {
  for (std::int64_t j = 0; j < width; ++j) out[j] = 0;
  for (std::int64_t n = 0; n < keys; ++n) {
    const float weight = weights[n];
    const float* const row = value + n * width;
    for (std::int64_t j = 0; j < width; ++j) out[j] += weight * row[j];
  }
}

LORIKEET_VECTORISED
void AddScaled(std::int64_t count, float a, const float* x, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += a * x[i];
}

}  // namespace lorikeet::trainer
