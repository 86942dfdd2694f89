#include "common/clock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <time.h>

namespace lorikeet {
namespace {

class SystemClock : public Clock {
 public:
  SteadyTime Steady() const override {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return SteadyTime(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  }
  WallTime Wall() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace

Clock& RealClock() {
  static SystemClock clock;
  return clock;
}

std::string FormatTime(WallTime time) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds =
      static_cast<std::time_t>((milliseconds - ((milliseconds % 1000) + 1000) % 1000) / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", parts, ((milliseconds % 1000) + 1000) % 1000);
}

}  // namespace lorikeet
