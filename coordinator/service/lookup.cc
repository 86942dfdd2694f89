#include "coordinator/service/lookup.h"

#include <fmt/ranges.h>

#include <vector>

#include "common/nearest.h"

namespace lorikeet::service {
namespace {

constexpr std::size_t kMostCandidates = 10'000;  // to look for a near name in

std::vector<std::string> TrialNames(const SweepRecord& sweep) {
  std::vector<std::string> names;
  for (const TrialRecord* record : sweep.trials) {
    if (names.size() >= kMostCandidates) break;
    names.push_back(record->trial.name);
  }
  return names;
}

StatusOr<TrialRecord*> TrialInSweep(const SweepRecord& sweep, const std::string& name) {
  if (TrialRecord* record = sweep.trials_by_name.Find(name); record != nullptr) return record;
  return NotFound("sweep {} has no trial '{}'{}", sweep.sweep.name, name,
                  DidYouMean(name, TrialNames(sweep)));
}

}  // namespace

StatusOr<SweepRecord*> LookUpSweep(State& state, const std::string& sweep) {
  if (SweepRecord* record = state.FindSweep(sweep); record != nullptr) return record;
  if (const std::string* id = state.SweepIdByName(sweep); id != nullptr) return state.FindSweep(*id);
  std::vector<std::string> names;
  for (const auto& [id, record] : state.sweeps()) names.push_back(record.sweep.name);
  return NotFound("there is no sweep '{}'{}", sweep, DidYouMean(sweep, names));
}

StatusOr<TrialRecord*> LookUpTrial(State& state, const std::string& trial) {
  if (TrialRecord* record = state.FindTrial(trial); record != nullptr) return record;
  const std::vector<TrialRecord*> found = state.TrialsByName(trial);
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    std::string choices;
    for (const TrialRecord* record : found) {
      const core::Trial& candidate = record->trial;
      choices += (choices.empty() ? "" : ", ") +
                 fmt::format("'{}/{}'", state.FindSweep(candidate.sweep_id)->sweep.name, candidate.name);
    }
    return InvalidArgument("{} sweeps have a trial '{}'; say which: {}", found.size(), trial, choices);
  }
  if (const auto slash = trial.find('/'); slash != std::string::npos) {
    ASSIGN_OR_RETURN(const SweepRecord* sweep, LookUpSweep(state, trial.substr(0, slash)));
    return TrialInSweep(*sweep, trial.substr(slash + 1));
  }
  std::vector<std::string> names;
  for (const auto& [id, sweep] : state.sweeps()) {
    for (std::string& name : TrialNames(sweep)) names.push_back(std::move(name));
    if (names.size() >= kMostCandidates) break;
  }
  return NotFound("there is no trial '{}'{}", trial, DidYouMean(trial, names));
}

StatusOr<WorkerRecord*> LookUpWorker(State& state, const std::string& worker) {
  if (WorkerRecord* record = state.FindWorker(worker); record != nullptr) return record;
  std::vector<std::string> ids, names;
  for (const auto& [id, record] : state.workers()) {
    if (record.worker.hostname == worker) ids.push_back(id);
    names.push_back(id);
    names.push_back(record.worker.hostname);
  }
  if (ids.size() == 1) return state.FindWorker(ids.front());
  if (ids.size() > 1) {
    return InvalidArgument("{} workers are on host '{}'; say which: {}", ids.size(), worker,
                           fmt::join(ids, ", "));
  }
  return NotFound("there is no worker '{}'{}", worker, DidYouMean(worker, names));
}

}  // namespace lorikeet::service
