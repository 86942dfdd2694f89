#include "worker/agent/duration.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace lorikeet::agent {

StatusOr<Duration> ParseDuration(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string unit(rest, end);
  double seconds = -1;
  if (unit == "ms") seconds = 0.001;
  if (unit == "s") seconds = 1;
  if (unit == "m") seconds = 60;
  if (unit == "h") seconds = 3600;
  if (unit == "d") seconds = 86400;
  if (unit.empty() && number == 0) seconds = 1;
  constexpr double kMost = 86400.0 * 365 * 100;
  if (error != std::errc() || number < 0 || seconds < 0 || static_cast<double>(number) * seconds > kMost) {
    return InvalidArgument("'{}' is no duration; as in 30s, 10m, 1h or 2d", text);
  }
  return Duration(std::llround(static_cast<double>(number) * seconds * 1e9));
}

}  // namespace lorikeet::agent
