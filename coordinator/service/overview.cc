#include "coordinator/service/overview.h"

#include <algorithm>

#include "coordinator/core/state_machine.h"

namespace lorikeet::service {
namespace {

void AddSweeps(const State& state, Overview& overview) {
  std::vector<const SweepRecord*> open;
  for (const auto& [id, record] : state.sweeps()) {
    ++overview.sweeps.at(static_cast<std::size_t>(record.sweep.state));
    for (std::size_t i = 0; i < record.counts.size(); ++i) overview.trials.at(i) += record.counts.at(i);
    if (!core::IsFinal(record.sweep.state)) open.push_back(&record);
  }
  std::stable_sort(open.begin(), open.end(), [](const SweepRecord* a, const SweepRecord* b) {
    return a->sweep.submitted_at > b->sweep.submitted_at;
  });
  if (open.size() > Overview::kMostSweeps) open.resize(Overview::kMostSweeps);
  for (const SweepRecord* record : open)
    overview.open_sweeps.push_back({.sweep = record->sweep.name, .trials = record->counts});
}

void AddWorkers(const State& state, Overview& overview) {
  overview.workers_known = static_cast<std::int64_t>(state.workers().size());
  overview.workers_connected = static_cast<std::int64_t>(state.fleet.size());
  for (const auto& [id, worker] : state.fleet) {
    overview.workers_draining += worker.draining ? 1 : 0;
    overview.workers_quarantined += worker.quarantined ? 1 : 0;
    overview.slots += static_cast<std::int64_t>(worker.slots.size());
    overview.slots_busy +=
        std::count_if(worker.slots.begin(), worker.slots.end(),
                      [](const scheduler::Slot& slot) { return !slot.attempt_id.empty(); });
  }
}

}  // namespace

Overview MakeOverview(const State& state) {
  Overview overview;
  AddSweeps(state, overview);
  AddWorkers(state, overview);
  for (const auto& [id, sweep] : state.queue.sweeps())
    overview.trials_backing_off += static_cast<std::int64_t>(sweep.backing_off.size());
  // Those in granted, running or lost are there; of each running trial one has a lease.
  const std::int64_t running = overview.trials.at(static_cast<std::size_t>(core::TrialState::kRunning));
  overview.attempts_lost = static_cast<std::int64_t>(state.attempts().size()) - running;
  overview.short_of_room = state.short_of_room.has_value();
  return overview;
}

}  // namespace lorikeet::service
