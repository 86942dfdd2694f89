#include "tests/fleet/world.h"

#include <utility>

namespace lorikeet::fleet {

Duration World::Between(Duration from, Duration to) {
  const auto span = static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(to - from).count());
  const std::uint64_t most = Chance(3) ? span : span / 8;
  return from + milliseconds(Below(most + 1));
}

void World::At(SteadyTime time, std::function<void()> what) {
  events_.push({std::max(time, now_), planned_++, std::move(what)});
}

bool World::Step() {
  if (events_.empty()) return false;
  const std::function<void()> what = events_.top().what;
  now_ = events_.top().time;
  events_.pop();
  what();
  return true;
}

void World::Note(const std::string& what) {
  trace_ = Hash(what, trace_);
  trace_ = (trace_ ^ static_cast<std::uint64_t>(now_.time_since_epoch().count())) * kHashPrime;
  if (!keep_notes) return;
  const double at = std::chrono::duration<double>(now_.time_since_epoch()).count() - 3600;
  notes_.push_back(std::to_string(at) + " s  " + what);
}

void Halting::Do(std::function<void()> what) {
  if (!stopped() && waiting_.empty()) return what();
  waiting_.push_back(std::move(what));
  GoOn();
}

void Halting::Forget() {
  until_ = {};
  waiting_.clear();
}

void Halting::GoOn() {
  if (std::exchange(planned_, true)) return;
  world_.At(until_, [this] {
    planned_ = false;
    while (!stopped() && !waiting_.empty()) {
      const std::function<void()> what = std::move(waiting_.front());
      waiting_.pop_front();
      what();
    }
    if (!waiting_.empty()) GoOn();
  });
}

WallTime HostClock::Wall() const {
  const WallTime start(std::chrono::microseconds(1'772'366'400'000'000));  // 2026-03-01T12:00:00Z
  return start +
         std::chrono::duration_cast<std::chrono::microseconds>(world_.now().time_since_epoch() + wall_off_);
}

}  // namespace lorikeet::fleet
