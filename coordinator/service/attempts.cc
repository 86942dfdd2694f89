#include "coordinator/service/attempts.h"

#include <optional>

#include "common/failure_kinds.h"
#include "coordinator/core/retry.h"
#include "coordinator/core/state_machine.h"
#include "coordinator/service/blame.h"

namespace lorikeet::service {
namespace {

using core::AttemptState;
using core::TrialState;

Status End(Change& change, core::Attempt& attempt, AttemptState state) {
  RETURN_IF_ERROR(core::Move(attempt, state));
  attempt.ended_at = change.now();
  if (state != AttemptState::kSucceeded) change.Discard(attempt.id);
  return absl::OkStatus();
}

void SetFailure(core::Trial& trial, core::Attempt& attempt, const Failure& failure) {
  trial.failure_kind = attempt.failure_kind = failure.kind;
  trial.failure_message = attempt.failure_message = failure.message;
}

// The trial waits again, unless it waits already (its attempt was lost).
Status BackToPending(core::Trial& trial) {
  return trial.state == TrialState::kPending ? absl::OkStatus() : core::Move(trial, TrialState::kPending);
}

}  // namespace

Status Lose(Change& change, const std::string& attempt_id, const std::string& reason) {
  core::Attempt& attempt = change.attempt(attempt_id);
  core::Trial& trial = change.trial(attempt.trial_id);
  RETURN_IF_ERROR(core::Move(attempt, AttemptState::kLost));
  RETURN_IF_ERROR(core::Move(trial, TrialState::kPending));
  trial.not_before.reset();
  change.Note(attempt, "lost", reason);
  return absl::OkStatus();
}

std::string TooManyInterruptions(const RetryPolicy& retry, const core::Trial& trial,
                                 const std::string& reason) {
  return fmt::format(
      "lost or handed back {} times, where the sweep's retry.interruptions is {}; the last time: {}",
      trial.interruptions + 1, retry.interruptions, reason);
}

Status GiveUp(Change& change, const std::string& attempt_id, const std::string& why) {
  core::Attempt& attempt = change.attempt(attempt_id);
  core::Trial& trial = change.trial(attempt.trial_id);
  ++trial.interruptions;
  RETURN_IF_ERROR(End(change, attempt, AttemptState::kFailed));
  RETURN_IF_ERROR(core::Move(trial, TrialState::kFailed));
  SetFailure(trial, attempt, {failure::kLost, why});
  change.Note(attempt, "failed", trial.failure_kind + ": " + why);
  return absl::OkStatus();
}

Status NoteAlive(Change& change, const std::string& attempt_id) {
  core::Attempt& attempt = change.attempt(attempt_id);
  if (attempt.state == AttemptState::kRunning) return absl::OkStatus();
  if (attempt.state == AttemptState::kLost) {
    RETURN_IF_ERROR(core::Move(change.trial(attempt.trial_id), TrialState::kRunning));
    change.Note(attempt, "found", "its worker is heard of again");
  }
  return core::Move(attempt, AttemptState::kRunning);
}

Status Return(Change& change, const std::string& attempt_id, const std::string& reason,
              const RetryPolicy& retry, bool may_spin) {
  core::Attempt& attempt = change.attempt(attempt_id);
  core::Trial& trial = change.trial(attempt.trial_id);
  if (core::AtInterruptionLimit(retry, trial)) {
    return GiveUp(change, attempt_id, TooManyInterruptions(retry, trial, reason));
  }
  RETURN_IF_ERROR(End(change, attempt, AttemptState::kReturned));
  RETURN_IF_ERROR(BackToPending(trial));
  ++trial.interruptions;
  trial.not_before.reset();
  if (may_spin) trial.not_before = change.now() + core::DelayAfterReturn(trial.interruptions);
  change.Note(attempt, "returned", reason);
  return absl::OkStatus();
}

Status ReturnUncounted(Change& change, const std::string& attempt_id, const std::string& reason) {
  core::Attempt& attempt = change.attempt(attempt_id);
  core::Trial& trial = change.trial(attempt.trial_id);
  RETURN_IF_ERROR(End(change, attempt, AttemptState::kReturned));
  RETURN_IF_ERROR(BackToPending(trial));
  trial.not_before.reset();
  change.Note(attempt, "returned", reason);
  return absl::OkStatus();
}

Status Fail(store::Transaction& transaction, Change& change, const std::string& attempt_id,
            const RetryPolicy& retry, const Failure& failure) {
  core::Attempt& attempt = change.attempt(attempt_id);
  core::Trial& trial = change.trial(attempt.trial_id);
  RETURN_IF_ERROR(End(change, attempt, AttemptState::kFailed));
  SetFailure(trial, attempt, failure);
  ++trial.failures;
  const bool crashed = failure.kind == failure::kCrashed;
  if (crashed || failure.kind == failure::kOom) NoteFailureOn(change, attempt, failure);
  const auto backoff = core::BackoffAfter(retry, failure.kind, trial.failures);
  std::optional<std::string> poisonous;
  if (backoff && crashed) {
    ASSIGN_OR_RETURN(poisonous, WhyPoisonous(transaction, change, trial.id, attempt.worker_id));
    if (poisonous) trial.failure_message += "; " + *poisonous;
  }
  if (!backoff || poisonous) {
    RETURN_IF_ERROR(core::Move(trial, TrialState::kFailed));
    change.Note(attempt, "failed", failure.kind + ": " + trial.failure_message);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(BackToPending(trial));
  trial.not_before = change.now() + *backoff;
  change.Note(attempt, "failed",
              fmt::format("{}: {}; tried again in {:.0f} s ({} of {} tries failed)", failure.kind,
                          failure.message, std::chrono::duration<double>(*backoff).count(), trial.failures,
                          retry.Of(failure.kind).attempts));
  return absl::OkStatus();
}

Status Supersede(Change& change, const std::string& attempt_id) {
  core::Attempt& attempt = change.attempt(attempt_id);
  RETURN_IF_ERROR(End(change, attempt, AttemptState::kSuperseded));
  attempt.failure_kind = failure::kLost;
  attempt.failure_message = "its lease ran out, and its trial was granted again";
  ++change.trial(attempt.trial_id).interruptions;
  change.Send(attempt.worker_id, Revoke{.attempt_id = attempt.id,
                                        .token = attempt.token,
                                        .checkpoint = false,
                                        .trial_over = false,
                                        .reason = "its lease ran out and its trial was granted again"});
  return absl::OkStatus();
}

Status CancelTrial(Change& change, const TrialRecord& record) {
  core::Trial& trial = change.trial(record.trial.id);
  RETURN_IF_ERROR(core::Move(trial, TrialState::kCancelled));
  ++trial.token;
  trial.not_before.reset();
  if (!record.attempt_id.empty()) {
    core::Attempt& attempt = change.attempt(record.attempt_id);
    RETURN_IF_ERROR(End(change, attempt, AttemptState::kCancelled));
    attempt.failure_kind = failure::kCancelled;
    change.Send(attempt.worker_id, Revoke{.attempt_id = attempt.id,
                                          .token = attempt.token,
                                          .checkpoint = false,
                                          .trial_over = true,
                                          .reason = "its trial was cancelled"});
  }
  change.NoteTrial(trial, "cancelled", "");
  return absl::OkStatus();
}

Status RetryTrial(store::Transaction& transaction, Change& change, const std::string& trial_id) {
  core::Trial& trial = change.trial(trial_id);
  RETURN_IF_ERROR(core::Move(trial, TrialState::kPending));
  trial.failures = trial.interruptions = 0;
  trial.failure_kind.clear();
  trial.failure_message.clear();
  trial.not_before.reset();
  change.NoteTrial(trial, "retried", "");
  return transaction.MarkRetried(trial_id);
}

}  // namespace lorikeet::service
