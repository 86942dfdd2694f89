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

// Crockford's base 32, whose order is that of the characters; the lowest five bits first.
std::string Characters(std::uint64_t bits, int count) {
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string text;
  for (int i = 0; i < count; ++i, bits >>= 5) text += kAlphabet[bits & 31];
  return text;
}

}  // namespace

RandomSource& SystemRandom() {
  static KernelSource source;
  return source;
}

std::string NewId(const std::string& prefix, RandomSource& random) {
  return prefix + "-" + Characters(random.Next(), 12);
}

IdSeries::IdSeries(const std::string& prefix, RandomSource& random)
    : common_(prefix + "-" + Characters(random.Next(), 9)) {}

std::string IdSeries::Next() {
  const std::string count = Characters(count_++, 5);
  return common_ + std::string(count.rbegin(), count.rend());
}

std::string NewIdOf(const std::string& prefix, const std::string& owner, RandomSource& random) {
  return prefix + owner.substr(owner.find('-')) + Characters(random.Next(), 4);
}

std::string NewUuid(RandomSource& random) {
  const std::uint64_t high = random.Next(), low = random.Next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFF,
                     0x8000 | ((low >> 48) & 0x3FFF), low & 0xFFFF'FFFF'FFFF);
}

std::string NewSecret() {
  std::string secret;
  for (int i = 0; i < 4; ++i) secret += fmt::format("{:016x}", KernelRandom());
  return secret;
}

}  // namespace lorikeet
