#include "coordinator/service/recovery.h"

#include <algorithm>

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
  for (const TrialRecord* trial : sweep.trials) {
    const TrialRecord& record = *trial;
    const AttemptRecord* attempt = state.FindAttempt(record.attempt_id);
    const bool leased = attempt != nullptr && core::IsLeased(attempt->attempt.state);
    if (leased != (record.trial.state == core::TrialState::kRunning)) {
      return Internal("the database contradicts itself: trial {} is {} and {} attempt has a lease",
                      record.trial.id, core::Name(record.trial.state), leased ? "an" : "no");
    }
    if (attempt != nullptr && attempt->attempt.token != record.trial.token) {
      return Internal("the database contradicts itself: trial {} is at token {}, its attempt {} at {}",
                      record.trial.id, record.trial.token, record.attempt_id, attempt->attempt.token);
    }
  }
  return absl::OkStatus();
}

}  // namespace

Status Recover(Context& context) {
  ASSIGN_OR_RETURN(store::Snapshot snapshot, context.store.Load());
  State& state = context.state;
  std::map<std::string, std::string> sample;  // a trial of each sweep; one that has ended may be retried
  for (const core::Trial& trial : snapshot.trials) sample.try_emplace(trial.sweep_id, trial.id);
  std::vector<std::string> in_order;
  for (core::Sweep& sweep : snapshot.sweeps) {
    in_order.push_back(sweep.id);
    std::int64_t memory_bytes = 0;
    if (const auto trial = sample.find(sweep.id); trial != sample.end()) {
      ASSIGN_OR_RETURN(memory_bytes, MemoryOf(context.store, trial->second));
    }
    state.AddSweep(std::move(sweep), memory_bytes);
  }
  std::map<std::int64_t, std::string> sweep_of;  // by configuration
  for (const core::Configuration& configuration : snapshot.configurations) {
    state.AddConfiguration(configuration);
    sweep_of[configuration.id] = configuration.sweep_id;
  }
  // As they were submitted: who came first is served first again.
  std::map<std::string, std::vector<core::Trial*>> trials;
  for (core::Trial& trial : snapshot.trials) trials[trial.sweep_id].push_back(&trial);
  for (const std::string& sweep : in_order) {
    for (core::Trial* trial : trials[sweep]) state.AddTrial(std::move(*trial));
  }
  for (const core::Attempt& attempt : snapshot.attempts) state.Install(attempt);
  for (const auto& [id, sweep] : state.sweeps()) RETURN_IF_ERROR(CheckConsistent(state, sweep));
  std::vector<std::string> gone;
  for (core::Worker& worker : snapshot.workers) {
    if (worker.state != "disconnected") gone.push_back(worker.id);
    worker.state = "disconnected";
    state.Install(worker);
    state.last_session = std::max(state.last_session, worker.session);
  }
  for (const std::int64_t id : snapshot.compared) state.NoteCompared(sweep_of.at(id), id);
  state.MarkAllDue();
  ASSIGN_OR_RETURN(const std::vector<std::string> tested, context.store.scores().TestedSweeps());
  state.due.sweeps.insert(tested.begin(), tested.end());
  for (core::SweepFile& file : snapshot.files) state.Install(std::move(file));
  for (core::Bar& bar : snapshot.bars) state.Install(std::move(bar));
  // A start must not need room on the disk: else the file learns it when the worker is next heard of.
  Status written = context.Apply([&](store::Transaction&, Change& change) -> Status {
    for (const std::string& id : gone) change.worker(id);
    return absl::OkStatus();
  });
  written.Update(context.turn.End());
  if (absl::IsInternal(written)) return written;
  state.SetAllLeases(context.clock.Steady() + context.options.lease);
  return absl::OkStatus();
}

}  // namespace lorikeet::service
