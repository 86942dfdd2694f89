#include "common/ids.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cstdlib>

namespace lorikeet {
namespace {

std::uint64_t KernelRandom() {
  std::uint64_t value = 0;
  if (getrandom(&value, sizeof(value), 0) != static_cast<ssize_t>(sizeof(value))) std::abort();
  return value;
}

class KernelSource : public RandomSource {
 public:
  std::uint64_t Next() override { return KernelRandom(); }
};

}  // namespace

RandomSource& SystemRandom() {
  static KernelSource source;
  return source;
}

std::string NewId(const std::string& prefix, RandomSource& random) {
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::uint64_t bits = random.Next();
  std::string id = prefix + "-";
  for (int i = 0; i < 12; ++i, bits >>= 5) id += kAlphabet[bits & 31];
  return id;
}

std::string NewSecret() {
  std::string secret;
  for (int i = 0; i < 4; ++i) secret += fmt::format("{:016x}", KernelRandom());
  return secret;
}

}  // namespace lorikeet
