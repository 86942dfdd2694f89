#include "worker/trainer/model/row_kernels.h"

#include <bit>
#include <cmath>
#include <limits>

// The compiler makes a version for each instruction set, and the loader picks one by what the processor can
// do; elsewhere there is one. (Naming processors instead would leave out other makers' with the same
// abilities.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#if __GNUC__ >= 12
#define LORIKEET_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LORIKEET_VECTORISED __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define LORIKEET_VECTORISED
#endif
#define LORIKEET_INLINE inline __attribute__((always_inline))

// Sums and maxima say `omp simd reduction`: they may run in as many strands as a vector has lanes.
namespace lorikeet::trainer {
namespace {

// SplitMix64's output function (Steele, Lea and Flood, 2014): a bijection that scatters neighbouring inputs.
LORIKEET_INLINE std::uint64_t Scatter(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// A 32-bit finaliser (Wellons' lowbias32): what vector units have the multiplications for.
LORIKEET_INLINE std::uint32_t Scatter32(std::uint32_t z) {
  z = (z ^ (z >> 16)) * 0x7feb352dU;
  z = (z ^ (z >> 15)) * 0x846ca68bU;
  return z ^ (z >> 16);
}

// eˣ for x ≤ 0, to two units in the last place (Cephes' expf: reduction by ln 2, a polynomial of degree 5).
LORIKEET_INLINE float Exp(float x) {
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

LORIKEET_INLINE float Dot(std::int64_t count, const float* a, const float* b) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// kWidth columns of MixValues, kept in registers.
template <std::int64_t kWidth>
LORIKEET_INLINE void MixColumns(std::int64_t keys, std::int64_t stride, const float* weights,
                                const float* value, float* out) {
  float even[kWidth] = {}, odd[kWidth] = {};  // two sums, so that additions do not wait for each other
  std::int64_t n = 0;
  for (; n + 2 <= keys; n += 2) {
    const float *const first = value + n * stride, *const second = first + stride;
    for (std::int64_t j = 0; j < kWidth; ++j) even[j] += weights[n] * first[j];
    for (std::int64_t j = 0; j < kWidth; ++j) odd[j] += weights[n + 1] * second[j];
  }
  if (n < keys) {
    for (std::int64_t j = 0; j < kWidth; ++j) even[j] += weights[n] * value[n * stride + j];
  }
  for (std::int64_t j = 0; j < kWidth; ++j) out[j] = even[j] + odd[j];
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
void SoftmaxGradientRow(std::int64_t count, const float* p, float* g) {
  const float dot = Dot(count, p, g);
  for (std::int64_t i = 0; i < count; ++i) g[i] = p[i] * (g[i] - dot);
}

LORIKEET_VECTORISED
float NormRow(std::int64_t count, double epsilon, const float* x, const float* weight, float* y) {
  const float mean = Dot(count, x, x) / static_cast<float>(count);
  const float inverse = 1 / std::sqrt(mean + static_cast<float>(epsilon));
  for (std::int64_t i = 0; i < count; ++i) y[i] = weight[i] * (x[i] * inverse);
  return inverse;
}

LORIKEET_VECTORISED
void NormGradientRow(std::int64_t count, float inverse, const float* x, const float* weight, const float* g,
                     float* gx, float* gweight) {
  float dot = 0;
#pragma omp simd reduction(+ : dot)
  for (std::int64_t i = 0; i < count; ++i) dot += g[i] * weight[i] * x[i];
  const float along = dot * inverse * inverse * inverse / static_cast<float>(count);
  for (std::int64_t i = 0; i < count; ++i) gx[i] = g[i] * weight[i] * inverse - x[i] * along;
  if (!gweight) return;
  for (std::int64_t i = 0; i < count; ++i) gweight[i] += g[i] * x[i] * inverse;
}

LORIKEET_VECTORISED
void ScoreKeys(std::int64_t keys, std::int64_t width, const float* query, const float* key, float* scores) {
  for (std::int64_t n = 0; n < keys; ++n) scores[n] = Dot(width, query, key + n * width);
}

LORIKEET_VECTORISED
void ScoreColumns(std::int64_t keys, std::int64_t width, const float* query, const float* key,
                  float* scores) {
  constexpr std::int64_t kColumns = 64;  // kept in registers
  std::int64_t n = 0;
  for (; n + kColumns <= keys; n += kColumns) {
    float sums[kColumns] = {};
    for (std::int64_t j = 0; j < width; ++j) {
      for (std::int64_t i = 0; i < kColumns; ++i) sums[i] += query[j] * key[j * keys + n + i];
    }
    for (std::int64_t i = 0; i < kColumns; ++i) scores[n + i] = sums[i];
  }
  for (std::int64_t i = n; i < keys; ++i) scores[i] = 0;
  for (std::int64_t j = 0; j < width; ++j) {
    for (std::int64_t i = n; i < keys; ++i) scores[i] += query[j] * key[j * keys + i];
  }
}

LORIKEET_VECTORISED
void MixValues(std::int64_t keys, std::int64_t width, const float* weights, const float* value, float* out) {
  std::int64_t j = 0;
  for (; j + 32 <= width; j += 32) MixColumns<32>(keys, width, weights, value + j, out + j);
  for (; j + 8 <= width; j += 8) MixColumns<8>(keys, width, weights, value + j, out + j);
  for (; j < width; ++j) MixColumns<1>(keys, width, weights, value + j, out + j);
}

LORIKEET_VECTORISED
void AddScaled(std::int64_t count, float a, const float* x, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += a * x[i];
}

}  // namespace lorikeet::trainer
