// Virtual time for a fleet in one process: what is to happen, in its order, and all chance from one seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"

namespace lorikeet::fleet {

using std::chrono::milliseconds;
using std::chrono::seconds;

// FNV-1a (Fowler, Noll and Vo), going on from `hash`: the same number everywhere for the same text.
inline constexpr std::uint64_t kHashStart = 14695981039346656037ULL, kHashPrime = 1099511628211ULL;
inline std::uint64_t Hash(const std::string& text, std::uint64_t hash = kHashStart) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kHashPrime;
  return hash;
}

// Not thread-safe.
class World {
 public:
  explicit World(std::uint64_t seed) : dice_(seed) {}

  SteadyTime now() const { return now_; }
  RandomSource& dice() { return dice_; }
  std::uint64_t Below(std::uint64_t end) { return dice_.Next() % end; }
  bool Chance(std::uint64_t one_in) { return Below(one_in) == 0; }
  // Milliseconds from `from` to `to`, short times more often than long ones.
  Duration Between(Duration from, Duration to);

  void At(SteadyTime time, std::function<void()> what);
  void After(Duration wait, std::function<void()> what) { At(now_ + wait, std::move(what)); }
  // The next thing happens, and time is then; false where nothing is to come.
  bool Step();

  // What happened, as a number that differs where histories do.
  void Note(const std::string& what);
  std::uint64_t trace() const { return trace_; }
  // The last notes, for people.
  const std::vector<std::string>& notes() const { return notes_; }
  bool keep_notes = false;

 private:
  struct Event {
    SteadyTime time;
    std::uint64_t number;  // of two at one time, the one that was planned first
    std::function<void()> what;
    bool operator<(const Event& other) const {
      return time != other.time ? time > other.time : number > other.number;
    }
  };

  SeededRandom dice_;
  SteadyTime now_{std::chrono::hours(1)};
  std::priority_queue<Event> events_;
  std::uint64_t planned_ = 0, trace_ = kHashStart;
  std::vector<std::string> notes_;
};

// Something that stands still for a while (SIGSTOP, a virtual machine that is moved): what comes meanwhile is
// done afterwards, in the order in which it came.
class Halting {
 public:
  explicit Halting(World& world) : world_(world) {}

  void Stop(Duration time) { until_ = std::max(until_, world_.now() + time); }
  bool stopped() const { return world_.now() < until_; }
  SteadyTime until() const { return until_; }
  // `what` is done now, or once this goes on and what came before is done.
  void Do(std::function<void()> what);
  // Goes on at once, with nothing of what has come: it is another that goes on.
  void Forget();

 private:
  void GoOn();

  World& world_;
  SteadyTime until_{};
  std::deque<std::function<void()>> waiting_;
  bool planned_ = false;
};

// One host's clocks: they run with the world's, and wall time may jump.
class HostClock : public Clock {
 public:
  HostClock(const World& world, Duration ahead) : world_(world), ahead_(ahead) {}
  SteadyTime Steady() const override { return world_.now() + ahead_; }
  WallTime Wall() const override;
  void JumpWall(Duration by) { wall_off_ += by; }

 private:
  const World& world_;
  const Duration ahead_;
  Duration wall_off_{};
};

}  // namespace lorikeet::fleet
