#include "coordinator/service/change.h"

#include <set>

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

void Change::NoteWorker(const core::Worker& worker, const std::string& kind, const std::string& message) {
  history_.push_back({.id = 0,
                      .time = now_,
                      .sweep_id = "",
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

Status Change::Save(store::Transaction& transaction) {
  RETURN_IF_ERROR(FinishSweeps());
  for (const auto& [id, worker] : workers_) RETURN_IF_ERROR(transaction.UpsertWorker(worker));
  for (const auto& [id, attempt] : new_attempts_) RETURN_IF_ERROR(transaction.InsertAttempt(attempt));
  for (const auto& [id, attempt] : attempts_) RETURN_IF_ERROR(transaction.UpdateAttempt(attempt));
  for (const auto& [id, trial] : trials_) RETURN_IF_ERROR(transaction.UpdateTrial(trial));
  for (const auto& [id, sweep] : sweeps_) RETURN_IF_ERROR(transaction.UpdateSweep(sweep));
  for (const std::string& id : discarded_) RETURN_IF_ERROR(transaction.DiscardStagedPredictions(id));
  for (const core::HistoryEvent& event : history_) RETURN_IF_ERROR(transaction.InsertEvent(event));
  return absl::OkStatus();
}

void Change::Install() {
  for (const auto& [id, worker] : workers_) state_.Install(worker);
  for (const auto& [id, sweep] : sweeps_) state_.Install(sweep);
  for (const auto& [id, trial] : trials_) state_.Install(trial);
  for (const auto& [id, attempt] : attempts_) state_.Install(attempt);
  for (const auto& [id, attempt] : new_attempts_) state_.Install(attempt);
  for (auto& [worker, message] : messages_) {
    if (const Session* session = state_.SessionOf(worker); session != nullptr) {
      session->connection->Send(std::move(message));
    }
  }
}

Status Context::Commit(const std::function<Status(store::Transaction&, Change&)>& body) {
  Change change(state, clock.Wall());
  const auto write = [&](store::Transaction& transaction) -> Status {
    RETURN_IF_ERROR(body(transaction, change));
    return change.Save(transaction);
  };
  RETURN_IF_ERROR(store.Write(write));
  change.Install();
  return absl::OkStatus();
}

}  // namespace lorikeet::service
