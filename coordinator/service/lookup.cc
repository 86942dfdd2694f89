#include "coordinator/service/lookup.h"

#include <vector>

#include "common/nearest.h"

namespace lorikeet::service {
namespace {

constexpr std::size_t kMostCandidates = 10'000;  // to look for a near name in

std::vector<std::string> TrialNames(State& state, const SweepRecord& sweep) {
  std::vector<std::string> names;
  for (const std::string& id : sweep.trials) {
    if (names.size() >= kMostCandidates) break;
    names.push_back(state.FindTrial(id)->trial.name);
  }
  return names;
}

StatusOr<TrialRecord*> TrialInSweep(State& state, const SweepRecord& sweep, const std::string& name) {
  for (const std::string& id : state.TrialIdsByName(name)) {
    TrialRecord* record = state.FindTrial(id);
    if (record->trial.sweep_id == sweep.sweep.id) return record;
  }
  return NotFound("sweep {} has no trial '{}'{}", sweep.sweep.name, name,
                  DidYouMean(name, TrialNames(state, sweep)));
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
  const std::vector<std::string> ids = state.TrialIdsByName(trial);
  if (ids.size() == 1) return state.FindTrial(ids.front());
  if (ids.size() > 1) {
    std::string choices;
    for (const std::string& id : ids) {
      const core::Trial& candidate = state.FindTrial(id)->trial;
      choices += (choices.empty() ? "" : ", ") +
                 fmt::format("'{}/{}'", state.FindSweep(candidate.sweep_id)->sweep.name, candidate.name);
    }
    return InvalidArgument("{} sweeps have a trial '{}'; say which: {}", ids.size(), trial, choices);
  }
  if (const auto slash = trial.find('/'); slash != std::string::npos) {
    ASSIGN_OR_RETURN(const SweepRecord* sweep, LookUpSweep(state, trial.substr(0, slash)));
    return TrialInSweep(state, *sweep, trial.substr(slash + 1));
  }
  std::vector<std::string> names;
  for (const auto& [id, sweep] : state.sweeps()) {
    for (std::string& name : TrialNames(state, sweep)) names.push_back(std::move(name));
    if (names.size() >= kMostCandidates) break;
  }
  return NotFound("there is no trial '{}'{}", trial, DidYouMean(trial, names));
}

}  // namespace lorikeet::service
