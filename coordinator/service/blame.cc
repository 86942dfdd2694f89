#include "coordinator/service/blame.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace lorikeet::service {
namespace {

constexpr std::size_t kMostRemembered = 16;  // trials in a row

// Whether trials of the sweep fail on another of the connected workers too.
bool FailsElsewhere(State& state, const std::string& sweep_id, const std::string& worker_id) {
  return std::any_of(state.fleet.begin(), state.fleet.end(), [&](const auto& entry) {
    if (entry.first == worker_id) return false;
    const std::vector<std::string>& failing = state.FindWorker(entry.first)->worker.failing;
    return std::any_of(failing.begin(), failing.end(), [&](const std::string& trial) {
      return state.FindTrial(trial)->trial.sweep_id == sweep_id;
    });
  });
}

bool AnotherCouldHold(State& state, const std::string& trial_id, const std::string& worker_id) {
  const core::Trial& trial = state.FindTrial(trial_id)->trial;
  const scheduler::Demand demand = state.DemandOf(trial);
  const scheduler::Barred& barred = state.FindSweep(trial.sweep_id)->barred;
  return std::any_of(state.fleet.begin(), state.fleet.end(), [&](const auto& entry) {
    return entry.first != worker_id && entry.second.TakesWork() && !barred.contains(entry.first) &&
           scheduler::CouldHold(entry.second, demand);
  });
}

}  // namespace

StatusOr<std::optional<std::string>> WhyPoisonous(store::Transaction& transaction, Change& change,
                                                  const std::string& trial_id, const std::string& down_now) {
  ASSIGN_OR_RETURN(std::vector<std::string> down, transaction.WorkersTakenDown(trial_id));
  if (!down_now.empty() && std::find(down.begin(), down.end(), down_now) == down.end()) {
    down.push_back(down_now);
  }
  if (down.size() < kMostWorkersTakenDown) return std::optional<std::string>();
  for (std::string& worker : down) worker = change.state().FindWorker(worker)->worker.hostname;
  return std::optional<std::string>(
      fmt::format("given up: it has taken its trainer or its worker down on {} workers ({})", down.size(),
                  fmt::join(down, ", ")));
}

void NoteFailureOn(Change& change, const core::Attempt& attempt, const Failure& failure) {
  State& state = change.state();
  core::Worker& worker = change.worker(attempt.worker_id);
  std::erase(worker.failing, attempt.trial_id);
  worker.failing.push_back(attempt.trial_id);
  if (worker.failing.size() > kMostRemembered) worker.failing.erase(worker.failing.begin());
  if (!worker.quarantine.empty()) return;
  std::vector<std::string> names;
  for (const std::string& id : worker.failing) {
    const core::Trial& trial = state.FindTrial(id)->trial;
    if (FailsElsewhere(state, trial.sweep_id, worker.id)) continue;
    if (!AnotherCouldHold(state, id, worker.id)) return;
    names.push_back("'" + trial.name + "'");
  }
  if (names.size() < kMostFailing) return;
  worker.quarantine = fmt::format("{} trials failed on it in a row: {}; the last: {}: {}", names.size(),
                                  fmt::join(names, ", "), failure.kind, failure.message);
  change.NoteWorker(worker, "quarantined", worker.quarantine);
}

void NoteSuccessOn(Change& change, const std::string& worker_id) {
  if (!change.Peek(worker_id).failing.empty()) change.worker(worker_id).failing.clear();
}

}  // namespace lorikeet::service
