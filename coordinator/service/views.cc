#include "coordinator/service/views.h"

#include <algorithm>

#include "coordinator/core/state_machine.h"
#include "coordinator/scheduler/plan.h"
#include "coordinator/service/estimate.h"

namespace lorikeet::service {
namespace {

// What a worker is to a person who has drained it or not.
std::string DrainStandingOf(const WorkerView& view) {
  if (!view.worker.drain) return view.worker.state;
  if (view.worker.state == "disconnected") return "disconnected, drained";
  return view.slots_busy > 0 || !view.trials.empty() ? "draining" : "drained";
}

std::string StandingOf(const WorkerView& view) {
  std::string state = DrainStandingOf(view);
  if (view.worker.quarantine.empty()) return state;
  return state == "connected" ? "quarantined" : state + ", quarantined";
}

double Gigabytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1LL << 30); }

// More of a backoff: ", at 2026-01-01T00:00:30.000Z; its last failure: crashed: signal 9".
std::string UntilAndAfterWhat(const core::Trial& trial) {
  std::string text;
  if (trial.not_before) text += ", at " + FormatTime(*trial.not_before);
  if (!trial.failure_kind.empty()) {
    text += fmt::format("; its last failure: {}: {}", trial.failure_kind, trial.failure_message);
  }
  return text;
}

std::string WhyUndecided(const SweepRecord& sweep, const core::Configuration& row) {
  std::int64_t open = 0, all = 0;
  for (const std::int64_t id : sweep.candidates.at(row.id)) {
    const ConfigurationRecord& one = sweep.configurations.at(id);
    open += one.Open();
    all += one.configuration.planned;
  }
  return fmt::format("the settings of '{}' are chosen first: {} of {} trials for that have ended", row.name,
                     all - open, all);
}

std::string ShortOfRoom(const Context& context) {
  return fmt::format("the coordinator's disk has {:.1f} GiB left; it grants again above {:.1f} GiB",
                     Gigabytes(*context.state.short_of_room), Gigabytes(context.options.reserve_bytes));
}

}  // namespace

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
  view.waiting = scheduler::Waiting(state.queue, state.fleet, context_.clock.Steady()).Why(record.sweep.id);
  if (state.short_of_room && view.pending > 0)
    view.waiting.insert(view.waiting.begin(), ShortOfRoom(context_));
  for (const auto& [id, candidates] : record.candidates) {
    const ConfigurationRecord& configuration = record.configurations.at(id);
    if (configuration.configuration.Undecided() && configuration.Open() > 0)
      view.waiting.push_back(WhyUndecided(record, configuration.configuration));
  }
  for (const auto& [name, file] : record.files) {
    view.files.push_back(file);
    view.files.back().worker_id = state.FindWorker(file.worker_id)->worker.hostname;
  }
  for (const auto& [worker_id, why] : record.barred) view.barred.push_back(why);
  const WallTime until = record.sweep.finished_at.value_or(now);
  view.elapsed_seconds =
      std::max(0.0, std::chrono::duration<double>(until - record.sweep.submitted_at).count());
  view.eta_seconds = SecondsLeft(state, record, context_.clock.Steady());
  return view;
}

StatusOr<std::vector<TrialView>> Views::Trials(SweepRecord& sweep) {
  RETURN_IF_ERROR(LearnWhereTheyRan(sweep));
  std::vector<TrialView> views;
  views.reserve(sweep.trials.size());
  scheduler::Waiting waiting(context_.state.queue, context_.state.fleet, context_.clock.Steady());
  for (TrialRecord* record : sweep.trials) {
    ASSIGN_OR_RETURN(TrialView view, Trial(sweep, *record, waiting));
    views.push_back(std::move(view));
  }
  return views;
}

StatusOr<std::vector<TrialView>> Views::Running(SweepRecord& sweep) {
  std::vector<TrialView> views;
  scheduler::Waiting waiting(context_.state.queue, context_.state.fleet, context_.clock.Steady());
  for (const auto& [id, attempt] : context_.state.attempts()) {
    TrialRecord* record = context_.state.TrialOf(attempt);
    if (record->trial.sweep_id != sweep.sweep.id || !core::IsLeased(attempt.attempt.state)) continue;
    ASSIGN_OR_RETURN(TrialView view, Trial(sweep, *record, waiting));
    views.push_back(std::move(view));
  }
  return views;
}

StatusOr<TrialView> Views::TrialWithAttempts(TrialRecord& record) {
  SweepRecord& sweep = *context_.state.FindSweep(record.trial.sweep_id);
  RETURN_IF_ERROR(LearnWhereTheyRan(sweep));
  scheduler::Waiting waiting(context_.state.queue, context_.state.fleet, context_.clock.Steady());
  ASSIGN_OR_RETURN(TrialView view, Trial(sweep, record, waiting));
  ASSIGN_OR_RETURN(view.attempts, context_.store.Attempts(record.trial.id));
  return view;
}

Status Views::LearnWhereTheyRan(SweepRecord& sweep) {
  if (sweep.places_known) return absl::OkStatus();
  State& state = context_.state;
  ASSIGN_OR_RETURN(const std::vector<store::Place> places, context_.store.LastPlaces(sweep.sweep.id));
  for (const store::Place& place : places) {
    TrialRecord& record = *state.FindTrial(place.trial_id);
    if (!record.worker_id.empty()) continue;
    record.worker_id = place.worker_id;
    record.device = place.device;
  }
  sweep.places_known = true;
  return absl::OkStatus();
}

StatusOr<TrialView> Views::Trial(const SweepRecord& sweep, TrialRecord& record, scheduler::Waiting& waiting) {
  State& state = context_.state;
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
    const std::optional<scheduler::Pending> pending = state.queue.Find(record.trial.id);
    if (state.short_of_room) {
      view.waiting = ShortOfRoom(context_);
    } else if (const auto& row = sweep.configurations.at(record.trial.configuration_id).configuration;
               row.Undecided()) {
      view.waiting = WhyUndecided(sweep, row);
    } else if (pending) {
      view.waiting = waiting.Why(*pending);
      if (waiting.BacksOff(*pending)) view.waiting += UntilAndAfterWhat(record.trial);
    }
  }
  return view;
}

std::vector<WorkerView> Views::Workers() const {
  std::vector<WorkerView> views;
  for (const auto& [id, record] : context_.state.workers()) views.push_back(Worker(record));
  return views;
}

WorkerView Views::Worker(const WorkerRecord& record) const {
  State& state = context_.state;
  const std::string& id = record.worker.id;
  WorkerView view;
  view.worker = record.worker;
  if (const Session* session = state.FindSession(record.session); session != nullptr) {
    view.worker.last_seen_at = std::max(view.worker.last_seen_at, session->last_seen);
    for (const scheduler::Slot& slot : state.fleet.at(id).slots) {
      if (!slot.attempt_id.empty()) ++view.slots_busy;
    }
  }
  for (const auto& [sweep_id, bar] : record.bars) {
    view.barred.push_back(fmt::format("sweep '{}': {}", state.FindSweep(sweep_id)->sweep.name, bar.reason));
  }
  for (const std::string& attempt : state.AttemptsOn(id)) {
    const AttemptRecord& running = *state.FindAttempt(attempt);
    if (core::IsLeased(running.attempt.state)) view.trials.push_back(state.TrialOf(running)->trial.name);
  }
  view.worker.state = StandingOf(view);
  return view;
}

}  // namespace lorikeet::service
