// Time comes in from outside, so that one process can simulate a fleet (docs/architecture.md).
//
// Two clocks are kept apart: wall time (UTC, may jump) is only stored and shown; steady time counts leases
// and waits. Steady time is CLOCK_BOOTTIME, which goes on while the host sleeps.
#pragma once

#include <chrono>
#include <string>

namespace lorikeet {

using Duration = std::chrono::nanoseconds;

// A point on CLOCK_BOOTTIME of this host; meaningless on another host or after a reboot.
struct SteadyClockTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<SteadyClockTag>;
  static constexpr bool is_steady = true;
};
using SteadyTime = SteadyClockTag::time_point;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime Steady() const = 0;
  virtual WallTime Wall() const = 0;
};

// The machine's clocks. The reference lives for the whole process.
Clock& RealClock();

// "2026-03-01T12:00:00.123Z": UTC, ISO 8601, milliseconds.
std::string FormatTime(WallTime time);

// For tests: stands still until told otherwise. Not thread-safe.
class FakeClock : public Clock {
 public:
  SteadyTime Steady() const override { return steady_; }
  WallTime Wall() const override { return wall_; }
  void Advance(Duration by) {
    steady_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::microseconds>(by);
  }
  void JumpWall(std::chrono::microseconds by) { wall_ += by; }

 private:
  SteadyTime steady_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::microseconds(1'772'366'400'000'000)};  // 2026-03-01T12:00:00Z
};

}  // namespace lorikeet
