// The functions that numbers from a seed are made of: the same on every machine, on CPUs and in kernels.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define LORIKEET_EVERYWHERE __host__ __device__ inline
#else
#define LORIKEET_EVERYWHERE inline __attribute__((always_inline))
#endif

namespace lorikeet::trainer {

// What SplitMix64 (Steele, Lea and Flood, 2014) adds at each draw, and its output function: a bijection that
// scatters neighbouring inputs.
inline constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

LORIKEET_EVERYWHERE std::uint64_t Scatter(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// A 32-bit finaliser (Wellons' lowbias32): what vector units have the multiplications for.
LORIKEET_EVERYWHERE std::uint32_t Scatter32(std::uint32_t z) {
  z = (z ^ (z >> 16)) * 0x7feb352dU;
  z = (z ^ (z >> 15)) * 0x846ca68bU;
  return z ^ (z >> 16);
}

}  // namespace lorikeet::trainer
