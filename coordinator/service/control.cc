#include "coordinator/service/control.h"

#include <algorithm>

#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"
#include "coordinator/service/files.h"
#include "coordinator/service/lookup.h"

namespace lorikeet::service {
namespace {

using core::SweepState;

Paused Describe(const SweepRecord& record, bool changed) {
  return {.name = record.sweep.name,
          .state = core::Name(record.sweep.state),
          .changed = changed,
          .running = record.Count(core::TrialState::kRunning),
          .pending = record.Count(core::TrialState::kPending)};
}

bool MayRetry(const core::Trial& trial) {
  return trial.state == core::TrialState::kFailed || trial.state == core::TrialState::kCancelled;
}

// It was tried for a row that has its settings.
bool IsPassedOver(const SweepRecord& sweep, const core::Trial& trial) {
  const std::int64_t row = sweep.configurations.at(trial.configuration_id).configuration.candidate_of;
  return row != 0 && !sweep.configurations.at(row).configuration.Undecided();
}

// A sweep that has ended goes on. Where it has no result yet, what its files are is open again: whoever fixed
// it may have been the one who had others.
Status Reopen(Change& change, const SweepRecord& record) {
  if (!core::IsFinal(record.sweep.state)) return absl::OkStatus();
  core::Sweep& sweep = change.sweep(record.sweep.id);
  sweep.finished_at.reset();
  if (record.Count(core::TrialState::kSucceeded) == 0) change.ForgetFiles(sweep.id);
  return core::Move(sweep, SweepState::kRunning);
}

}  // namespace

StatusOr<Paused> Control::Pause(const std::string& sweep) {
  ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
  if (record->sweep.state != SweepState::kRunning) return Describe(*record, false);
  return MoveTo(*record, SweepState::kPaused, "paused");
}

StatusOr<Paused> Control::Resume(const std::string& sweep) {
  ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
  if (record->sweep.state == SweepState::kCancelled) {
    return FailedPrecondition("sweep {0} is cancelled; 'sweepctl retry {0}' runs what is left of it",
                              record->sweep.name);
  }
  if (record->sweep.state != SweepState::kPaused) return Describe(*record, false);
  return MoveTo(*record, SweepState::kRunning, "resumed");
}

StatusOr<Paused> Control::MoveTo(const SweepRecord& record, SweepState state, const std::string& note) {
  RETURN_IF_ERROR(context_.Apply([&](store::Transaction&, Change& change) -> Status {
    core::Sweep& moved = change.sweep(record.sweep.id);
    change.NoteSweep(moved, note, "");
    return core::Move(moved, state);
  }));
  return Describe(record, true);
}

StatusOr<Prioritized> Control::SetPriority(const std::string& sweep, std::int64_t priority) {
  if (priority < -spec::kMostPriority || priority > spec::kMostPriority) {
    return InvalidArgument("a priority of {}; it lies in -{} to {}", priority, spec::kMostPriority,
                           spec::kMostPriority);
  }
  ASSIGN_OR_RETURN(const SweepRecord* record, LookUpSweep(context_.state, sweep));
  Prioritized prioritized{
      .name = record->sweep.name, .priority = priority, .changed = record->sweep.priority != priority};
  if (!prioritized.changed) return prioritized;
  RETURN_IF_ERROR(context_.Apply([&](store::Transaction&, Change& change) -> Status {
    core::Sweep& changed = change.sweep(record->sweep.id);
    change.NoteSweep(changed, "priority", fmt::format("{}, {} before", priority, changed.priority));
    changed.priority = priority;
    return absl::OkStatus();
  }));
  return prioritized;
}

StatusOr<Retried> Control::Retry(const std::string& name) {
  const StatusOr<SweepRecord*> sweep = LookUpSweep(context_.state, name);
  if (sweep.ok()) return RetrySweep(**sweep);
  const StatusOr<TrialRecord*> trial = LookUpTrial(context_.state, name);
  if (trial.ok()) return RetryTrial(**trial);
  if (!absl::IsNotFound(trial.status())) return trial.status();
  const bool near_sweep = Message(sweep.status()).find("did you mean") != std::string::npos;
  return near_sweep ? sweep.status() : trial.status();
}

StatusOr<Retried> Control::RetrySweep(const SweepRecord& record) {
  std::vector<std::string> again;
  for (const TrialRecord* trial : record.trials) {
    if (MayRetry(trial->trial) && !IsPassedOver(record, trial->trial)) again.push_back(trial->trial.id);
  }
  if (!again.empty()) {
    const auto body = [&](store::Transaction& transaction, Change& change) -> Status {
      RETURN_IF_ERROR(Reopen(change, record));
      for (const std::string& id : again) RETURN_IF_ERROR(service::RetryTrial(transaction, change, id));
      change.NoteSweep(record.sweep, "retried", fmt::format("{} trials", again.size()));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(context_.Apply(body));
  }
  const std::string state = core::Name(record.sweep.state);
  return Retried{.trials = static_cast<std::int64_t>(again.size()),
                 .name = record.sweep.name,
                 .state = state,
                 .sweep = record.sweep.name,
                 .sweep_state = state,
                 .is_trial = false};
}

StatusOr<Retried> Control::RetryTrial(const TrialRecord& record) {
  const SweepRecord& sweep = *context_.state.FindSweep(record.trial.sweep_id);
  const bool again = MayRetry(record.trial);
  if (again && IsPassedOver(sweep, record.trial)) {
    return FailedPrecondition(
        "trial '{}' was for choosing settings, and others are chosen: what is compared with them would not "
        "be "
        "what was chosen",
        record.trial.name);
  }
  if (again) {
    const auto body = [&](store::Transaction& transaction, Change& change) -> Status {
      RETURN_IF_ERROR(Reopen(change, sweep));
      return service::RetryTrial(transaction, change, record.trial.id);
    };
    RETURN_IF_ERROR(context_.Apply(body));
  }
  return Retried{.trials = again ? 1 : 0,
                 .name = record.trial.name,
                 .state = core::Name(record.trial.state),
                 .sweep = sweep.sweep.name,
                 .sweep_state = core::Name(sweep.sweep.state),
                 .is_trial = true};
}

StatusOr<Drained> Control::Drain(const std::string& worker, bool undo) {
  State& state = context_.state;
  ASSIGN_OR_RETURN(const WorkerRecord* record, LookUpWorker(state, worker));
  const std::string id = record->worker.id;
  Drained drained{
      .worker_id = id, .hostname = record->worker.hostname, .state = {}, .changed = false, .attempts = 0};
  drained.changed = record->worker.drain == undo;
  if (drained.changed) {
    RETURN_IF_ERROR(context_.Apply([&](store::Transaction&, Change& change) -> Status {
      core::Worker& changed = change.worker(id);
      changed.drain = !undo;
      change.NoteWorker(changed, undo ? "undrained" : "drained", changed.hostname);
      if (!undo) change.Send(id, DrainRequest{});
      return absl::OkStatus();
    }));
    if (const auto offered = state.fleet.find(id); offered != state.fleet.end()) {
      offered->second.draining = !undo || record->worker.state == "draining";
      state.plan_is_stale = true;
    }
  }
  for (const std::string& attempt : state.AttemptsOn(id)) {
    if (core::IsLeased(state.FindAttempt(attempt)->attempt.state)) ++drained.attempts;
  }
  return drained;
}

StatusOr<Readmitted> Control::Readmit(const std::string& worker) {
  ASSIGN_OR_RETURN(const WorkerRecord* record, LookUpWorker(context_.state, worker));
  Readmitted readmitted{.worker_id = record->worker.id,
                        .hostname = record->worker.hostname,
                        .state = {},
                        .changed = !record->worker.quarantine.empty() || !record->bars.empty()};
  if (!readmitted.changed) return readmitted;
  RETURN_IF_ERROR(context_.Apply([&](store::Transaction&, Change& change) -> Status {
    core::Worker& changed = change.worker(readmitted.worker_id);
    changed.quarantine.clear();
    changed.failing.clear();
    LiftBars(change, changed.id, "");
    change.NoteWorker(changed, "readmitted", changed.hostname);
    return absl::OkStatus();
  }));
  return readmitted;
}

}  // namespace lorikeet::service
