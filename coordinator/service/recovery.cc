#include "coordinator/service/recovery.h"

#include <algorithm>
#include <set>

#include "coordinator/core/state_machine.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::service {
namespace {

// The sweep's memory demand stands in its trials' settings alone, the same in each.
StatusOr<std::int64_t> MemoryOf(store::Store& store, const std::string& trial_id) {
  ASSIGN_OR_RETURN(const std::string settings, store.TrialSettings(trial_id));
  // Settings that this build cannot read are the trainer's to refuse, trial by trial; the others' sweeps go
  // on.
  const StatusOr<Trial> trial = TrialFromJson(settings);
  return trial.ok() ? trial->resources.memory_bytes.value_or(0) : 0;
}

Status CheckConsistent(State& state, const SweepRecord& sweep) {
  for (const std::string& id : sweep.trials) {
    const TrialRecord& record = *state.FindTrial(id);
    const AttemptRecord* attempt = state.FindAttempt(record.attempt_id);
    const bool leased = attempt != nullptr && core::IsLeased(attempt->attempt.state);
    if (leased != (record.trial.state == core::TrialState::kRunning)) {
      return Internal("the database contradicts itself: trial {} is {} and {} attempt has a lease", id,
                      core::Name(record.trial.state), leased ? "an" : "no");
    }
    if (attempt != nullptr && attempt->attempt.token != record.trial.token) {
      return Internal("the database contradicts itself: trial {} is at token {}, its attempt {} at {}", id,
                      record.trial.token, record.attempt_id, attempt->attempt.token);
    }
  }
  return absl::OkStatus();
}

}  // namespace

Status Recover(Context& context) {
  ASSIGN_OR_RETURN(store::Snapshot snapshot, context.store.Load());
  State& state = context.state;
  std::map<std::string, std::string> sample;  // a trial of each sweep that goes on
  std::set<std::string> ended;
  for (const core::Sweep& sweep : snapshot.sweeps) {
    if (core::IsFinal(sweep.state)) ended.insert(sweep.id);
  }
  for (const core::Trial& trial : snapshot.trials) {
    if (!ended.contains(trial.sweep_id)) sample.try_emplace(trial.sweep_id, trial.id);
  }
  for (core::Sweep& sweep : snapshot.sweeps) {
    std::int64_t memory_bytes = 0;
    if (const auto trial = sample.find(sweep.id); trial != sample.end()) {
      ASSIGN_OR_RETURN(memory_bytes, MemoryOf(context.store, trial->second));
    }
    state.AddSweep(std::move(sweep), memory_bytes);
  }
  for (const core::Configuration& configuration : snapshot.configurations)
    state.AddConfiguration(configuration);
  for (core::Trial& trial : snapshot.trials) state.AddTrial(std::move(trial));
  for (const core::Attempt& attempt : snapshot.attempts) state.Install(attempt);
  for (const core::Worker& worker : snapshot.workers) {
    state.Install(worker);
    state.last_session = std::max(state.last_session, worker.session);
  }
  for (const auto& [id, sweep] : state.sweeps()) RETURN_IF_ERROR(CheckConsistent(state, sweep));
  const auto body = [&](store::Transaction&, Change& change) -> Status {
    for (const core::Worker& worker : snapshot.workers) {
      if (worker.state != "disconnected") change.worker(worker.id).state = "disconnected";
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context.Commit(body));
  state.SetAllLeases(context.clock.Steady() + context.options.lease);
  return absl::OkStatus();
}

}  // namespace lorikeet::service
