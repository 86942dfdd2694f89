#include "coordinator/scheduler/queue.h"

namespace lorikeet::scheduler {

void Queue::Put(const Pending& pending, SteadyTime now) {
  Remove(pending.trial_id);
  const auto& [sweep_id, standing] = StandingOf(pending.sweep_id);
  auto [at, added] = sweeps_.try_emplace(pending.sweep_id);
  Sweep& sweep = at->second;
  if (added) {
    sweep.number = standing.number;
    sweep.turn = standing.turn;
    sweep.rules = standing.rules;
  }
  const Entry& entry = *pending_
                            .insert(Entry{.trial_id = pending.trial_id,
                                          .sweep_id = &sweep_id,
                                          .position = pending.position,
                                          .demand = &*demands_.insert(pending.demand).first,
                                          .last_worker_id = &*workers_.insert(pending.last_worker_id).first,
                                          .ready_at = pending.ready_at})
                            .first;
  if (entry.ready_at > now) {
    sweep.backing_off.insert(&entry);
  } else {
    sweep.ready[*entry.demand].insert(&entry);
  }
}

void Queue::Remove(const std::string& trial_id) {
  const auto found = pending_.find(trial_id);
  if (found == pending_.end()) return;
  const Entry& entry = *found;
  const auto sweep = sweeps_.find(*entry.sweep_id);
  if (sweep->second.backing_off.erase(&entry) == 0) {
    const auto group = sweep->second.ready.find(*entry.demand);
    group->second.erase(&entry);
    if (group->second.empty()) sweep->second.ready.erase(group);
  }
  if (sweep->second.empty()) sweeps_.erase(sweep);
  pending_.erase(found);
}

bool Queue::Wake(SteadyTime now) {
  bool woken = false;
  for (auto& [id, sweep] : sweeps_) {
    while (!sweep.backing_off.empty() && (*sweep.backing_off.begin())->ready_at <= now) {
      const Entry* entry = *sweep.backing_off.begin();
      sweep.backing_off.erase(sweep.backing_off.begin());
      sweep.ready[*entry->demand].insert(entry);
      woken = true;
    }
  }
  return woken;
}

void Queue::Served(const std::string& sweep_id) {
  StandingOf(sweep_id).second.turn = ++last_turn_;
  if (const auto sweep = sweeps_.find(sweep_id); sweep != sweeps_.end()) sweep->second.turn = last_turn_;
}

void Queue::SetRules(const std::string& sweep_id, const Rules& rules) {
  StandingOf(sweep_id).second.rules = rules;
  if (const auto sweep = sweeps_.find(sweep_id); sweep != sweeps_.end()) sweep->second.rules = rules;
}

std::pair<const std::string, Queue::Standing>& Queue::StandingOf(const std::string& sweep_id) {
  const auto [at, is_new] = standings_.try_emplace(sweep_id);
  if (is_new) at->second.number = ++last_number_;
  return *at;
}

std::optional<Pending> Queue::Find(const std::string& trial_id) const {
  const auto found = pending_.find(trial_id);
  if (found == pending_.end()) return std::nullopt;
  return Pending{.trial_id = found->trial_id,
                 .sweep_id = *found->sweep_id,
                 .position = found->position,
                 .demand = *found->demand,
                 .last_worker_id = *found->last_worker_id,
                 .ready_at = found->ready_at};
}

}  // namespace lorikeet::scheduler
