// Identifiers: short, safe in file names and URLs.
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

// The ids of things that belong together and are used in their order: 9 random characters in common and a
// count of 5, so that they sort as they were made. An index by them then touches few pages for neighbours,
// where random ids would touch one each; a database with 100,000 trials is mostly such indices.
class IdSeries {
 public:
  IdSeries(const std::string& prefix, RandomSource& random);
  std::string Next();

 private:
  const std::string common_;
  std::uint64_t count_ = 0;
};

// An id for what belongs to `owner` ("t-4k2v9x0m100007"), which sorts beside it: its characters and four
// random ones ("a-4k2v9x0m1000073c1p").
std::string NewIdOf(const std::string& prefix, const std::string& owner, RandomSource& random);

// A UUID of version 4 (RFC 4122): "3f2c…-…", 36 characters, 122 random bits.
std::string NewUuid(RandomSource& random);

// 64 hexadecimal characters (256 bits) for a secret; always from the operating system.
std::string NewSecret();

}  // namespace lorikeet
