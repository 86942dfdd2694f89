#include "coordinator/scheduler/queue.h"

namespace lorikeet::scheduler {

void Queue::Put(const Pending& pending, SteadyTime now) {
  Remove(pending.trial_id);
  auto [known, is_new] = numbers_and_turns_.try_emplace(pending.sweep_id, last_number_ + 1, 0);
  if (is_new) ++last_number_;
  auto [at, added] = sweeps_.try_emplace(pending.sweep_id);
  Sweep& sweep = at->second;
  if (added) {
    sweep.number = known->second.first;
    sweep.turn = known->second.second;
  }
  if (pending.ready_at > now) {
    sweep.backing_off.emplace(pending.ready_at, pending.trial_id);
  } else {
    sweep.ready[pending.demand].emplace(pending.position, pending.trial_id);
  }
  pending_.emplace(pending.trial_id, pending);
}

void Queue::Remove(const std::string& trial_id) {
  const auto found = pending_.find(trial_id);
  if (found == pending_.end()) return;
  const Pending& pending = found->second;
  const auto sweep = sweeps_.find(pending.sweep_id);
  if (sweep->second.backing_off.erase({pending.ready_at, trial_id}) == 0) {
    const auto group = sweep->second.ready.find(pending.demand);
    group->second.erase({pending.position, trial_id});
    if (group->second.empty()) sweep->second.ready.erase(group);
  }
  if (sweep->second.empty()) sweeps_.erase(sweep);
  pending_.erase(found);
}

void Queue::Wake(SteadyTime now) {
  for (auto& [id, sweep] : sweeps_) {
    while (!sweep.backing_off.empty() && sweep.backing_off.begin()->first <= now) {
      const Pending& pending = pending_.at(sweep.backing_off.begin()->second);
      sweep.backing_off.erase(sweep.backing_off.begin());
      sweep.ready[pending.demand].emplace(pending.position, pending.trial_id);
    }
  }
}

void Queue::Served(const std::string& sweep_id) {
  const auto known = numbers_and_turns_.find(sweep_id);
  if (known == numbers_and_turns_.end()) return;
  known->second.second = ++last_turn_;
  if (const auto sweep = sweeps_.find(sweep_id); sweep != sweeps_.end()) sweep->second.turn = last_turn_;
}

const Pending* Queue::Find(const std::string& trial_id) const {
  const auto found = pending_.find(trial_id);
  return found == pending_.end() ? nullptr : &found->second;
}

}  // namespace lorikeet::scheduler
