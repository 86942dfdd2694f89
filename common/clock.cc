#include "common/clock.h"

#include <time.h>

#include <algorithm>
#include <string>

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
  using std::chrono::duration_cast;
  // Neither fmt's own format of times nor gmtime: several of these are in every row, and both look at the
  // locale or the time zone first.
  const auto day = std::chrono::floor<std::chrono::days>(time.time_since_epoch());
  const auto in_day = duration_cast<std::chrono::milliseconds>(time.time_since_epoch() - day).count();
  const std::chrono::year_month_day date{std::chrono::sys_days(day)};
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto put = [&text](std::size_t last, std::int64_t value) {
    for (; value > 0; value /= 10) text[last--] = static_cast<char>('0' + value % 10);
  };
  put(3, std::clamp(static_cast<int>(date.year()), 0, 9999));
  put(6, static_cast<unsigned>(date.month()));
  put(9, static_cast<unsigned>(date.day()));
  put(12, in_day / 3'600'000);
  put(15, in_day / 60'000 % 60);
  put(18, in_day / 1000 % 60);
  put(22, in_day % 1000);
  return text;
}

}  // namespace lorikeet
