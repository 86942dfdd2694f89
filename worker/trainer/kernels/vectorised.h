// What the row and column kernels share: one version of a function for each instruction set, and the
// functions of single elements that their loops are made of. Included by kernels alone.
#pragma once

#include <bit>
#include <cstdint>

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

namespace lorikeet::trainer {

// bfloat16's bits: the upper half of a float's.
using Bfloat16Bits = std::uint16_t;

LORIKEET_INLINE float Widen(float x) { return x; }
LORIKEET_INLINE float Widen(Bfloat16Bits x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16);
}

// Rounds to the nearest, ties to even; what is not a number stays so.
LORIKEET_INLINE std::uint32_t RoundToBfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return x == x ? rounded : (bits >> 16) | 0x40U;
}
LORIKEET_INLINE void Narrow(float x, float& y) { y = x; }
LORIKEET_INLINE void Narrow(float x, Bfloat16Bits& y) { y = static_cast<Bfloat16Bits>(RoundToBfloat16(x)); }

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

}  // namespace lorikeet::trainer
