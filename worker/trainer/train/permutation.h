// The order of things, from a seed: the same on every machine and with every standard library.
//
// Shuffles are Fisher and Yates's, driven by SplitMix64 (Steele, Lea and Flood, 2014) whose state starts from
// (seed, stream); a bounded number is the high half of a 64 × 64-bit product. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace lorikeet::trainer {

// Numbers that depend on (seed, stream) and on how many were drawn before, and on nothing else.
class CounterRandom {
 public:
  CounterRandom(std::uint64_t seed, std::uint64_t stream);
  std::uint64_t Next();
  // In 0 … bound − 1; bound at least 1.
  std::uint64_t Below(std::uint64_t bound);

 private:
  std::uint64_t state_;
};

// 0 … count − 1 in a random order: a trial's documents in epoch `stream`.
std::vector<std::int64_t> Permutation(std::int64_t count, std::uint64_t seed, std::uint64_t stream);

}  // namespace lorikeet::trainer
