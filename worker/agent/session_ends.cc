// How attempts end: dropped, drained, out of time, over.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "worker/agent/session_attempt.h"
#include "worker/protocol/checkpoint_files.h"

namespace lorikeet::agent {
namespace {

// Trials whose folders nobody has touched for so long went elsewhere.
constexpr std::chrono::hours kOldTrial{24 * 7};
constexpr std::chrono::hours kCleanEvery{24};

}  // namespace

void Session::FreeSlots(Attempt& attempt) {
  attempt.waiting.reset();
  attempt.free_at.reset();
  attempt.clearing = false;
  attempt.slots_busy = false;
}

void Session::HoldSlots(Attempt& attempt) {
  attempt.waiting.reset();
  attempt.free_at = clock_.Steady() + options_.start_backoff;
}

void Session::StopTrainer(Attempt& attempt, StopHow how, const std::string& reason) {
  if (!attempt.process || (!attempt.stop_reason.empty() && how == StopHow::kCheckpoint)) return;
  attempt.stop_reason = reason;
  launcher_.Stop(attempt.record.attempt_id, how);
}

void Session::DropAttempt(Attempt& attempt, const std::string& reason) {
  if (attempt.dropped) return;
  LogInfo(FieldsOf(attempt), "it is dropped: {}", reason);
  attempt.dropped = true;
  attempt.progress.reset();
  attempt.in_flight.clear();
  if (std::exchange(attempt.held, false)) launcher_.Hold(attempt.record.attempt_id, false);
  if (attempt.process) {
    StopTrainer(attempt, StopHow::kNow, reason);
  } else if (!attempt.free_at && !attempt.clearing) {
    FreeSlots(attempt);
  }
}

void Session::RemoveFinished() {
  for (auto entry = attempts_.begin(); entry != attempts_.end();) {
    Attempt& attempt = *entry->second;
    if (!attempt.slots_busy && !attempt.closed_told && state_ == State::kWelcomed) SendClosed(attempt);
    // While the coordinator is away, the next Hello says that the slots are free; after a Hello that named
    // it, only word of its end does, once there is a Welcome.
    const bool told = attempt.closed_told || state_ == State::kDisconnected;
    if (attempt.slots_busy || !told || !(attempt.dropped || attempt.handed_in())) {
      ++entry;
      continue;
    }
    const std::string trial_id = attempt.record.trial_id;
    const bool trial_over = attempt.trial_over;
    const bool succeeded = attempt.succeeded;
    const std::int64_t token = attempt.record.token;
    if (attempt.fetching && trial_over) left_fetches_[attempt.record.attempt_id] = trial_id;
    KeepAdapter(attempt);
    if (options_.artifacts != nullptr) options_.artifacts->Forget(attempt.record.attempt_id);
    folder_.RemoveAttempt(attempt.record.attempt_id);
    entry = attempts_.erase(entry);
    if (trial_over && !TrialInUse(trial_id)) RemoveTrial(trial_id, token, succeeded);
  }
}

void Session::RemoveTrial(const std::string& trial_id, std::int64_t token, bool succeeded) {
  folder_.RemoveTrial(trial_id);
  if (succeeded || options_.shared_checkpoints.empty()) return;
  // Another host may have been granted the trial again meanwhile, with a higher token, and train there.
  const std::string shared = options_.shared_checkpoints + "/" + trial_id;
  protocol::RemoveCheckpointFiles(shared,
                                  [&](const protocol::CheckpointFile& file) { return file.token <= token; });
  std::error_code not_empty;
  std::filesystem::remove(shared, not_empty);
}

void Session::RemoveOldTrials() {
  next_cleaning_ = clock_.Steady() + kCleanEvery;
  std::vector<std::string> trials;
  for (const auto& [id, attempt] : attempts_) trials.push_back(attempt->record.trial_id);
  for (const auto& [id, adapter] : adapters_) trials.push_back(adapter.trial_id);
  folder_.RemoveOldTrials(kOldTrial, trials);
  if (options_.shared_checkpoints.empty()) return;
  // Of whichever worker's: what nobody has written to for so long nobody trains.
  const auto entries = folder_.disk().List(options_.shared_checkpoints);
  if (!entries.ok()) return;
  for (const Disk::Entry& entry : *entries) {
    if (entry.untouched < kOldTrial || entry.name.rfind("t-", 0) != 0) continue;
    if (std::find(trials.begin(), trials.end(), entry.name) != trials.end()) continue;
    folder_.disk().Remove(options_.shared_checkpoints + "/" + entry.name).IgnoreError();
  }
}

void Session::Drain(const std::string& reason) {
  if (draining_ || outcome_) return;
  LogInfo({{"worker", folder_.identity()}}, "draining: {}", reason);
  draining_ = true;
  drain_reason_ = reason;
  drain_deadline_ = clock_.Steady() + options_.drain_limit;
  HandBack(reason);
}

void Session::HandBack(const std::string& reason) {
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->waiting && !attempt->dropped) {
      SpoolReturned(*attempt, reason);
      FreeSlots(*attempt);
    }
    if (!attempt->dropped && !attempt->final_spooled) StopTrainer(*attempt, StopHow::kCheckpoint, reason);
    if (attempt->free_at) FreeSlots(*attempt);
  }
}

void Session::KeepPrepareLimit(Attempt& attempt) {
  if (!attempt.waiting || attempt.dropped || clock_.Steady() < attempt.prepare_until) return;
  if (!attempt.files_asked && !attempt.fetching) return;
  const std::string reason =
      fmt::format("{} for longer than {} s (--prepare-limit)",
                  attempt.files_asked ? "its files were read" : "the coordinator's checkpoint was fetched",
                  std::chrono::duration_cast<std::chrono::seconds>(options_.prepare_limit).count());
  LogError(FieldsOf(attempt), "it is handed back: {}", reason);
  attempt.progress.reset();
  SpoolReturned(attempt, reason, /*not_started=*/attempt.files_asked);
  HoldSlots(attempt);
  if (options_.artifacts != nullptr) options_.artifacts->Forget(attempt.record.attempt_id);
}

void Session::KeepLimits() {
  const SteadyTime now = clock_.Steady();
  if (now >= next_cleaning_) RemoveOldTrials();
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->free_at && now >= *attempt->free_at) FreeSlots(*attempt);
    KeepPrepareLimit(*attempt);
    if (!attempt->process || attempt->dropped || attempt->final_spooled || !attempt->stop_reason.empty())
      continue;
    if (attempt->lease_until && now > *attempt->lease_until + options_.orphan_after) {
      LogWarning(FieldsOf(*attempt), "it is stopped: cut off from the coordinator for too long");
      StopTrainer(*attempt, StopHow::kCheckpoint,
                  "cut off from the coordinator for longer than --orphan-after");
    }
  }
  if (draining_ && now >= drain_deadline_) {
    Finish(0, fmt::format("{} attempt(s) were not handed back and {} adapter(s) not sent within {} s; the "
                          "next start of this "
                          "worker does it",
                          attempts_.size(), adapters_.size(),
                          std::chrono::duration_cast<std::chrono::seconds>(options_.drain_limit).count()));
  }
}

}  // namespace lorikeet::agent
