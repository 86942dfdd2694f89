// Files of trials: which checkpoints and adapters travel, and what waits for them.

#include <algorithm>
#include <utility>

#include "common/logging.h"
#include "worker/agent/adapters.h"
#include "worker/agent/session_attempt.h"
#include "worker/protocol/checkpoint_files.h"

namespace lorikeet::agent {
namespace {

// Of the checkpoints in the trial's folder; 0 where there is none.
std::int64_t NewestToken(Disk& disk, const std::string& checkpoints) {
  std::int64_t newest = 0;
  const auto entries = disk.List(checkpoints);
  if (!entries.ok()) return newest;
  for (const Disk::Entry& entry : *entries) {
    const auto file = protocol::ParseCheckpointFile(entry.name);
    if (file && file->kind == protocol::CheckpointFile::kState && !file->temporary) {
      newest = std::max(newest, file->token);
    }
  }
  return newest;
}

}  // namespace

ArtifactOf Session::ArtifactOfAttempt(const Attempt& attempt) const {
  return {.trial_id = attempt.record.trial_id,
          .attempt_id = attempt.record.attempt_id,
          .token = attempt.record.token,
          .step = std::max<std::int64_t>(0, attempt.checkpoint_step),
          .trial_folder = folder_.TrialFolder(attempt.record.trial_id).value_or("")};
}

// The trainer goes on from the newest token's: so what it would take decides.
void Session::FetchIfNewer(Attempt& attempt, const v1::Grant& grant) {
  if (options_.artifacts == nullptr || !grant.has_checkpoint() || !attempt.waiting) return;
  const ArtifactOf of = ArtifactOfAttempt(attempt);
  if (NewestToken(folder_.disk(), of.trial_folder + "/checkpoint") >= grant.checkpoint().token()) return;
  if (const Status made = folder_.MakeTrial(of.trial_id); !made.ok()) return;  // starting it says so
  LogInfo(FieldsOf(attempt), "the checkpoint of step {} is fetched from the coordinator",
          grant.checkpoint().step());
  attempt.fetching = true;
  options_.artifacts->FetchCheckpoint(of);
}

void Session::OnCheckpointFetched(const std::string& attempt_id, const Status& status) {
  if (outcome_) return;
  if (const auto left = left_fetches_.extract(attempt_id); !left.empty()) {
    // What was written of it while its trial's folder was removed.
    if (!TrialInUse(left.mapped())) folder_.RemoveTrial(left.mapped());
    return;
  }
  Attempt* attempt = Find(attempt_id);
  if (attempt == nullptr || !std::exchange(attempt->fetching, false)) return;
  if (!attempt->waiting) return;
  if (absl::IsUnavailable(status)) {
    // Started from less it would, in the end, take the place of the one that the coordinator has. No fault of
    // this host's, or of the trial's.
    const std::string reason = "the coordinator's checkpoint cannot be had now: " + Message(status);
    LogWarning(FieldsOf(*attempt), "it is handed back: {}", reason);
    SpoolReturned(*attempt, reason);
    return FreeSlots(*attempt);
  }
  if (!status.ok()) {
    const std::string message =
        "the coordinator's checkpoint cannot be had, and the trial starts from what this host has: " +
        Message(status);
    LogWarning(FieldsOf(*attempt), "{}", message);
    v1::Event event;
    event.mutable_log()->set_level("warning");
    event.mutable_log()->set_message(message);
    Spool(*attempt, event);
  }
  StartWaiting();
}

void Session::SendCheckpoint(const Attempt& attempt) {
  if (options_.artifacts != nullptr && attempt.carries)
    options_.artifacts->SendCheckpoint(ArtifactOfAttempt(attempt));
}

void Session::KeepAdapter(const Attempt& attempt) {
  // Dropped or not: where an Ack was lost, the coordinator has the result and knows the attempt no more. It
  // says whether it wants the adapter.
  if (options_.artifacts == nullptr || !attempt.succeeded) return;
  if (!HasAdapter(folder_, attempt.record.trial_id)) return;
  const ArtifactOf adapter = ArtifactOfAttempt(attempt);
  if (const Status stored = StoreAdapter(folder_, adapter); !stored.ok()) {
    // It is sent all the same, if this process lives long enough.
    LogWarning(agent::FieldsOf(adapter),
               "its adapter is forgotten where this worker ends before it is sent: {}", Message(stored));
  }
  adapters_[adapter.attempt_id] = adapter;
  options_.artifacts->SendAdapter(adapter);
}

void Session::RecoverAdapters() {
  if (options_.artifacts == nullptr) return;
  std::vector<std::string> warnings;
  for (const ArtifactOf& adapter : LoadAdapters(folder_, warnings)) {
    adapters_[adapter.attempt_id] = adapter;
    options_.artifacts->SendAdapter(adapter);
  }
  for (const std::string& warning : warnings) LogWarning({}, "{}", warning);
}

void Session::OnAdapterSent(const std::string& attempt_id, const Status& status) {
  const auto found = adapters_.find(attempt_id);
  if (found == adapters_.end()) return;
  const ArtifactOf adapter = std::move(found->second);
  adapters_.erase(found);
  ForgetAdapter(folder_, attempt_id);
  const bool not_wanted = absl::IsAborted(status) || absl::IsFailedPrecondition(status);
  if (not_wanted) LogInfo(agent::FieldsOf(adapter), "its adapter is of no use: {}", Message(status));
  if (!status.ok() && !not_wanted) {
    LogWarning(agent::FieldsOf(adapter),
               "the coordinator does not take its adapter, which stays in {} for a week: {}",
               adapter.trial_folder + "/kept", Message(status));
    return;
  }
  if (!TrialInUse(adapter.trial_id)) folder_.RemoveTrial(adapter.trial_id);
}

bool Session::TrialInUse(const std::string& trial_id) const {
  const auto of_attempt = [&](const auto& entry) { return entry.second->record.trial_id == trial_id; };
  const auto of_adapter = [&](const auto& entry) { return entry.second.trial_id == trial_id; };
  return std::any_of(attempts_.begin(), attempts_.end(), of_attempt) ||
         std::any_of(adapters_.begin(), adapters_.end(), of_adapter);
}

}  // namespace lorikeet::agent
