#include "coordinator/service/change.h"

#include <optional>
#include <set>
#include <utility>

#include "common/failure_kinds.h"
#include "coordinator/core/state_machine.h"

namespace lorikeet::service {

core::Sweep& Change::sweep(const std::string& id) {
  const auto found = sweeps_.find(id);
  return found != sweeps_.end() ? found->second
                                : sweeps_.emplace(id, state_.FindSweep(id)->sweep).first->second;
}

core::Trial& Change::trial(const std::string& id) {
  const auto found = trials_.find(id);
  return found != trials_.end() ? found->second
                                : trials_.emplace(id, state_.FindTrial(id)->trial).first->second;
}

core::Attempt& Change::attempt(const std::string& id) {
  if (const auto fresh = new_attempts_.find(id); fresh != new_attempts_.end()) return fresh->second;
  const auto found = attempts_.find(id);
  return found != attempts_.end() ? found->second
                                  : attempts_.emplace(id, state_.FindAttempt(id)->attempt).first->second;
}

core::Worker& Change::worker(const std::string& id) {
  const auto found = workers_.find(id);
  return found != workers_.end() ? found->second
                                 : workers_.emplace(id, state_.FindWorker(id)->worker).first->second;
}

const core::Worker& Change::Peek(const std::string& worker_id) const {
  const auto found = workers_.find(worker_id);
  return found != workers_.end() ? found->second : state_.FindWorker(worker_id)->worker;
}

const core::SweepFile* Change::FindFile(const std::string& sweep_id, const std::string& name) const {
  for (const core::SweepFile& file : files_) {
    if (file.sweep_id == sweep_id && file.name == name) return &file;
  }
  const auto& known = state_.FindSweep(sweep_id)->files;
  const auto found = known.find(name);
  return found == known.end() ? nullptr : &found->second;
}

void Change::Fix(core::SweepFile file) { files_.push_back(std::move(file)); }
void Change::ForgetFiles(const std::string& sweep_id) { forgotten_.push_back(sweep_id); }
void Change::PutBar(core::Bar bar) { bars_.push_back(std::move(bar)); }
void Change::LiftBar(const std::string& worker_id, const std::string& sweep_id) {
  lifted_.emplace_back(worker_id, sweep_id);
}

core::Attempt& Change::Insert(core::Attempt attempt) {
  const std::string id = attempt.id;
  return new_attempts_.emplace(id, std::move(attempt)).first->second;
}

void Change::Put(core::Worker worker) {
  const std::string id = worker.id;
  workers_[id] = std::move(worker);
}

void Change::Note(const core::Attempt& attempt, const std::string& kind, const std::string& message) {
  history_.push_back({.id = 0,
                      .time = now_,
                      .sweep_id = trial(attempt.trial_id).sweep_id,
                      .trial_id = attempt.trial_id,
                      .attempt_id = attempt.id,
                      .worker_id = attempt.worker_id,
                      .kind = kind,
                      .message = message});
}

void Change::NoteTrial(const core::Trial& trial, const std::string& kind, const std::string& message) {
  history_.push_back({.id = 0,
                      .time = now_,
                      .sweep_id = trial.sweep_id,
                      .trial_id = trial.id,
                      .attempt_id = "",
                      .worker_id = "",
                      .kind = kind,
                      .message = message});
}

void Change::NoteSweep(const core::Sweep& sweep, const std::string& kind, const std::string& message) {
  history_.push_back({.id = 0,
                      .time = now_,
                      .sweep_id = sweep.id,
                      .trial_id = "",
                      .attempt_id = "",
                      .worker_id = "",
                      .kind = kind,
                      .message = message});
}

void Change::NoteWorker(const core::Worker& worker, const std::string& kind, const std::string& message,
                        const std::string& sweep_id) {
  history_.push_back({.id = 0,
                      .time = now_,
                      .sweep_id = sweep_id,
                      .trial_id = "",
                      .attempt_id = "",
                      .worker_id = worker.id,
                      .kind = kind,
                      .message = message});
}

void Change::Send(const std::string& worker_id, ToWorker message) {
  messages_.emplace_back(worker_id, std::move(message));
}

void Change::Discard(const std::string& attempt_id) { discarded_.push_back(attempt_id); }

Status Change::FinishSweeps() {
  std::map<std::string, std::int64_t> closed;  // how many trials end, by sweep
  for (const auto& [id, trial] : trials_) {
    const bool was_open = !core::IsFinal(state_.FindTrial(id)->trial.state);
    if (was_open && core::IsFinal(trial.state)) ++closed[trial.sweep_id];
  }
  for (const auto& [id, count] : closed) {
    const SweepRecord& record = *state_.FindSweep(id);
    if (core::IsFinal(record.sweep.state) || record.Open() != count) continue;
    core::Sweep& ended = sweep(id);
    if (core::IsFinal(ended.state)) continue;  // this change cancels it
    RETURN_IF_ERROR(core::Move(ended, core::SweepState::kFinished));
    ended.finished_at = now_;
    NoteSweep(ended, "finished", "");
  }
  return absl::OkStatus();
}

Status Change::RemoveCheckpoints(store::Transaction& transaction) {
  for (const auto& [id, trial] : trials_) {
    if (!core::IsFinal(trial.state) || core::IsFinal(state_.FindTrial(id)->trial.state)) continue;
    // Whoever retries one that failed for another reason would have it go on; sweepctl prune takes those.
    if (trial.state == core::TrialState::kFailed && !failure::IsPermanent(trial.failure_kind)) continue;
    if (trial.last_worker_id.empty()) continue;  // it never saved one
    ASSIGN_OR_RETURN(std::optional<std::string> path,
                     transaction.RemoveArtifact(id, core::ArtifactKind::kCheckpoint));
    if (path) RemoveFiles(*std::move(path));
  }
  return absl::OkStatus();
}

Status Change::RemoveComparisons(store::Transaction& transaction) {
  std::set<std::int64_t> configurations;
  for (const auto& [id, trial] : trials_) {
    if (core::IsFinal(state_.FindTrial(id)->trial.state) && !core::IsFinal(trial.state))
      configurations.insert(trial.configuration_id);
  }
  for (const std::int64_t id : configurations) RETURN_IF_ERROR(transaction.RemoveComparisons(id));
  return absl::OkStatus();
}

Status Change::Save(store::Transaction& transaction) {
  RETURN_IF_ERROR(FinishSweeps());
  for (const auto& [id, worker] : workers_) RETURN_IF_ERROR(transaction.UpsertWorker(worker));
  for (const auto& [id, attempt] : new_attempts_) RETURN_IF_ERROR(transaction.InsertAttempt(attempt));
  for (const auto& [id, attempt] : attempts_) RETURN_IF_ERROR(SaveAttempt(transaction, attempt));
  for (const auto& [id, trial] : trials_) {
    if (trial != state_.FindTrial(id)->trial) RETURN_IF_ERROR(transaction.UpdateTrial(trial));
  }
  for (const auto& [id, sweep] : sweeps_) RETURN_IF_ERROR(transaction.UpdateSweep(sweep));
  for (const std::string& id : forgotten_) RETURN_IF_ERROR(transaction.ForgetFiles(id));
  for (const auto& [worker, sweep] : lifted_) RETURN_IF_ERROR(transaction.RemoveBar(worker, sweep));
  for (const core::SweepFile& file : files_) RETURN_IF_ERROR(transaction.InsertSweepFile(file));
  for (const core::Bar& bar : bars_) RETURN_IF_ERROR(transaction.PutBar(bar));
  RETURN_IF_ERROR(RemoveCheckpoints(transaction));
  RETURN_IF_ERROR(RemoveComparisons(transaction));
  for (const std::string& id : discarded_) RETURN_IF_ERROR(transaction.DiscardStagedPredictions(id));
  for (const core::HistoryEvent& event : history_) RETURN_IF_ERROR(transaction.InsertEvent(event));
  return absl::OkStatus();
}

Status Change::SaveAttempt(store::Transaction& transaction, const core::Attempt& attempt) const {
  core::Attempt before = state_.FindAttempt(attempt.id)->attempt;
  if (attempt == before) return absl::OkStatus();
  before.sequence = attempt.sequence;
  return attempt == before ? transaction.AdvanceSequence(attempt.id, attempt.sequence)
                           : transaction.UpdateAttempt(attempt);
}

void Change::CountInto(Tally& tally) const {
  tally.grants += static_cast<std::int64_t>(new_attempts_.size());
  for (const auto& [id, attempt] : attempts_) {
    const core::Attempt& before = state_.FindAttempt(id)->attempt;
    tally.events += attempt.sequence - before.sequence;
    if (attempt.state == before.state) continue;
    if (attempt.state == core::AttemptState::kSucceeded) ++tally.results;
    if (!core::IsFinal(attempt.state)) continue;
    const bool failed = attempt.state == core::AttemptState::kFailed;
    ++tally.attempts_ended[failed ? attempt.failure_kind : core::Name(attempt.state)];
  }
  for (const core::HistoryEvent& event : history_) {
    if (event.kind == "submitted") ++tally.sweeps_submitted;
    if (event.kind == "quarantined") ++tally.quarantines;
  }
  tally.leases_expired += leases_expired_;
  tally.metric_points += metric_points_;
}

void Change::Install(Turn& turn) {
  for (const auto& [id, worker] : workers_) state_.Install(worker);
  for (const auto& [id, sweep] : sweeps_) state_.Install(sweep);
  for (const auto& [id, trial] : trials_) state_.Install(trial);
  CountInto(turn.tally());
  for (const auto& [id, attempt] : attempts_) state_.Install(attempt);
  for (const auto& [id, attempt] : new_attempts_) state_.Install(attempt);
  for (const std::string& id : forgotten_) state_.ForgetFiles(id);
  for (const auto& [worker, sweep] : lifted_) state_.RemoveBar(worker, sweep);
  for (core::SweepFile& file : files_) state_.Install(std::move(file));
  for (core::Bar& bar : bars_) state_.Install(std::move(bar));
  for (core::HistoryEvent& event : history_) turn.Note(std::move(event));
  for (std::string& path : removed_) turn.RemoveFiles(std::move(path));
  for (auto& [worker, message] : messages_) {
    if (const Session* session = state_.SessionOf(worker); session != nullptr) {
      turn.Send(session->connection, std::move(message));
    }
  }
}

Status Context::Apply(const std::function<Status(store::Transaction&, Change&)>& body) {
  Change change(state, clock.Wall());
  const auto write = [&](store::Transaction& transaction) -> Status {
    RETURN_IF_ERROR(body(transaction, change));
    return change.Save(transaction);
  };
  RETURN_IF_ERROR(turn.Part(write));
  change.Install(turn);
  return absl::OkStatus();
}

}  // namespace lorikeet::service
