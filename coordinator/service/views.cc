#include "coordinator/service/views.h"

#include <algorithm>
#include <set>

#include "coordinator/core/state_machine.h"
#include "coordinator/scheduler/plan.h"
#include "coordinator/service/estimate.h"

namespace lorikeet::service {

std::vector<SweepView> Views::Sweeps() const {
  std::vector<SweepView> views;
  for (const auto& [id, record] : context_.state.sweeps()) views.push_back(Sweep(record));
  std::stable_sort(views.begin(), views.end(), [](const SweepView& a, const SweepView& b) {
    return a.sweep.submitted_at > b.sweep.submitted_at;
  });
  return views;
}

SweepView Views::Sweep(const SweepRecord& record) const {
  State& state = context_.state;
  const WallTime now = context_.clock.Wall();
  SweepView view;
  view.sweep = record.sweep;
  view.pending = record.Count(core::TrialState::kPending);
  view.running = record.Count(core::TrialState::kRunning);
  view.succeeded = record.Count(core::TrialState::kSucceeded);
  view.failed = record.Count(core::TrialState::kFailed);
  view.cancelled = record.Count(core::TrialState::kCancelled);
  if (record.sweep.state == core::SweepState::kPaused) view.waiting.push_back("the sweep is paused");
  for (std::string& reason :
       scheduler::WhyWaiting(state.queue, record.sweep.id, state.fleet, context_.clock.Steady())) {
    view.waiting.push_back(std::move(reason));
  }
  const WallTime until = record.sweep.finished_at.value_or(now);
  view.elapsed_seconds =
      std::max(0.0, std::chrono::duration<double>(until - record.sweep.submitted_at).count());
  view.eta_seconds = SecondsLeft(state, record, now);
  return view;
}

StatusOr<std::vector<TrialView>> Views::Trials(const SweepRecord& sweep) {
  std::vector<TrialView> views;
  views.reserve(sweep.trials.size());
  for (const std::string& id : sweep.trials) {
    ASSIGN_OR_RETURN(TrialView view, Trial(sweep, *context_.state.FindTrial(id)));
    views.push_back(std::move(view));
  }
  return views;
}

StatusOr<TrialView> Views::TrialWithAttempts(TrialRecord& record) {
  ASSIGN_OR_RETURN(TrialView view, Trial(*context_.state.FindSweep(record.trial.sweep_id), record));
  ASSIGN_OR_RETURN(view.attempts, context_.store.Attempts(record.trial.id));
  return view;
}

StatusOr<TrialView> Views::Trial(const SweepRecord& sweep, TrialRecord& record) {
  State& state = context_.state;
  if (record.worker_id.empty() && record.trial.token > 0) {  // ended before this process started
    ASSIGN_OR_RETURN(const std::vector<core::Attempt> attempts, context_.store.Attempts(record.trial.id));
    if (!attempts.empty()) {
      record.worker_id = attempts.back().worker_id;
      record.device = attempts.back().device;
    }
  }
  TrialView view;
  view.trial = record.trial;
  view.configuration = sweep.configurations.at(record.trial.configuration_id).configuration.name;
  if (const WorkerRecord* worker = state.FindWorker(record.worker_id); worker != nullptr) {
    view.worker_hostname = worker->worker.hostname;
  }
  view.device = record.device;
  if (record.trial.state == core::TrialState::kRunning) {
    if (const AttemptRecord* attempt = state.FindAttempt(record.attempt_id); attempt != nullptr) {
      view.progress = attempt->progress;
    }
  }
  if (record.trial.state == core::TrialState::kPending) {
    const scheduler::Pending* pending = state.queue.Find(record.trial.id);
    view.waiting = pending == nullptr ? "the sweep is paused"
                                      : scheduler::WhyWaiting(*pending, state.fleet, context_.clock.Steady());
  }
  return view;
}

std::vector<WorkerView> Views::Workers() const {
  State& state = context_.state;
  std::vector<WorkerView> views;
  for (const auto& [id, record] : state.workers()) {
    WorkerView view;
    view.worker = record.worker;
    if (const Session* session = state.FindSession(record.session); session != nullptr) {
      view.worker.last_seen_at = std::max(view.worker.last_seen_at, session->last_seen);
      for (const scheduler::Slot& slot : state.fleet.at(id).slots) {
        if (!slot.attempt_id.empty()) ++view.slots_busy;
      }
    }
    for (const std::string& attempt : state.AttemptsOn(id)) {
      const AttemptRecord& running = *state.FindAttempt(attempt);
      if (core::IsLeased(running.attempt.state)) view.trials.push_back(state.TrialOf(running)->trial.name);
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace lorikeet::service
