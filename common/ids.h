// Identifiers: short, sortable by nothing, safe in file names and URLs.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace lorikeet {

// Randomness comes in from outside. Thread-safe.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual std::uint64_t Next() = 0;
};

// Seeded from the operating system; lives for the whole process.
RandomSource& SystemRandom();

// Replays from its seed.
class SeededRandom : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t Next() override {
    absl::MutexLock lock(&mutex_);
    return engine_();
  }

 private:
  absl::Mutex mutex_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mutex_);
};

// `prefix`, a dash and 12 characters of Crockford's base 32 in lower case ("s-4k2v9x0m1c3p"): 60 random bits.
std::string NewId(const std::string& prefix, RandomSource& random);

// 64 hexadecimal characters (256 bits) for a secret; always from the operating system.
std::string NewSecret();

}  // namespace lorikeet
