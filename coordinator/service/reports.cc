#include "coordinator/service/reports.h"

#include <algorithm>

#include "common/failure_kinds.h"
#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"
#include "coordinator/service/effects.h"

namespace lorikeet::service {

Status Reports::Handle(std::int64_t session, const Report& report) {
  State& state = context_.state;
  const Session* open = state.FindSession(session);
  if (open == nullptr) return Aborted("session {} is over", session);
  std::string trial_id;
  std::optional<SteadyTime> granted_at;
  if (const AttemptRecord* record = state.FindAttempt(report.attempt_id); record != nullptr) {
    trial_id = record->attempt.trial_id;
    // A later attempt goes on from a checkpoint: its time is not the whole trial's.
    if (record->attempt.number == 1) granted_at = record->granted;
  }
  Outcome outcome;
  outcome.ack.attempt_id = report.attempt_id;
  Status status = context_.Apply([&](store::Transaction& transaction, Change& change) -> Status {
    return Accept(transaction, change, *open, report, outcome);
  });
  if (absl::IsInvalidArgument(status) || absl::IsNotFound(status) || absl::IsAlreadyExists(status)) {
    return Refuse(session, {report.attempt_id, report.token}, status);
  }
  if (!status.ok() && !(absl::IsAborted(status) && outcome.ack.superseded)) return status;
  if (status.ok() && !outcome.ack.superseded) AfterCommit(report, outcome, trial_id, granted_at);
  context_.turn.Send(open->connection, outcome.ack);
  return absl::OkStatus();
}

Status Reports::Accept(store::Transaction& transaction, Change& change, const Session& session,
                       const Report& report, Outcome& outcome) const {
  const auto superseded = [&](const std::string& why) {
    outcome.ack.superseded = true;
    return Aborted("attempt {}: {}", report.attempt_id, why);
  };
  const StatusOr<std::int64_t> committed = transaction.CommittedSequence(report.attempt_id);
  if (absl::IsNotFound(committed.status())) return superseded("nobody knows it");
  RETURN_IF_ERROR(committed.status());
  outcome.ack.sequence = *committed;

  const AttemptRecord* record = context_.state.FindAttempt(report.attempt_id);
  if (record == nullptr) {  // over
    const bool all_known = report.events.empty() || report.events.back().first <= *committed;
    return all_known ? absl::OkStatus() : superseded("it is over");
  }
  ASSIGN_OR_RETURN(const core::Token newest, transaction.NewestToken(record->attempt.trial_id));
  if (report.token != newest)
    return superseded(fmt::format("token {} is stale, {} is newest", report.token, newest));
  if (record->attempt.worker_id != session.worker_id) return superseded("another worker has it");

  const RetryPolicy& retry = context_.state.RetryOf(context_.state.TrialOf(*record)->trial);
  const bool drains = context_.state.fleet.at(session.worker_id).draining;
  for (const auto& [sequence, event] : report.events) {
    if (sequence <= outcome.ack.sequence) continue;
    if (sequence != outcome.ack.sequence + 1) {
      if (outcome.ack.sequence > *committed) break;  // what came before the hole is good
      // No worker of ours leaves one out. Its others go on.
      return InvalidArgument("event {} came where event {} is next", sequence, outcome.ack.sequence + 1);
    }
    RETURN_IF_ERROR(ApplyEvent(transaction, change, report.attempt_id, retry, drains, event));
    const core::AttemptState now = change.attempt(report.attempt_id).state;
    outcome.ended = core::IsFinal(now);
    if (now == core::AttemptState::kReturned && !std::holds_alternative<Returned>(event)) {
      // Turned away for its host's files. What it reported, its result perhaps, is not kept; nor is the
      // number, so that the answer is the same when it is said again.
      outcome.ack.superseded = true;
      break;
    }
    outcome.ack.sequence = sequence;
    if (const auto* result = std::get_if<core::Result>(&event)) {
      outcome.documents_scored = result->test.documents + result->validation.documents;
    }
    if (outcome.ended) break;  // nothing after its last word counts
  }
  if (outcome.ack.sequence == *committed) return absl::OkStatus();
  change.attempt(report.attempt_id).sequence = outcome.ack.sequence;
  return absl::OkStatus();
}

Status Reports::Refuse(std::int64_t session, const Lease& lease, const Status& why) {
  State& state = context_.state;
  const Session* open = state.FindSession(session);
  if (open == nullptr) return Aborted("session {} is over", session);
  const AttemptRecord* record = state.FindAttempt(lease.attempt_id);
  if (record != nullptr && record->attempt.token == lease.token &&
      record->attempt.worker_id == open->worker_id && state.TrialOf(*record)->trial.token == lease.token) {
    const RetryPolicy& retry = state.RetryOf(state.TrialOf(*record)->trial);
    const auto body = [&](store::Transaction& transaction, Change& change) -> Status {
      return Fail(transaction, change, lease.attempt_id, retry,
                  {failure::kCrashed, fmt::format("it reported what cannot be stored: {}", Message(why))});
    };
    RETURN_IF_ERROR(context_.Apply(body));
  }
  context_.turn.Send(open->connection,
                     Ack{.attempt_id = lease.attempt_id, .sequence = 0, .superseded = true});
  return absl::OkStatus();
}

void Reports::AfterCommit(const Report& report, const Outcome& outcome, const std::string& trial_id,
                          std::optional<SteadyTime> granted_at) {
  State& state = context_.state;
  AttemptRecord* record = state.FindAttempt(report.attempt_id);
  if (record != nullptr && core::IsLeased(record->attempt.state)) {
    state.SetLease(report.attempt_id, context_.clock.Steady() + context_.options.lease);
  }
  if (!outcome.ended || trial_id.empty()) return;
  const core::Trial& trial = state.FindTrial(trial_id)->trial;
  if (trial.state != core::TrialState::kSucceeded) return;
  SweepRecord& sweep = *state.FindSweep(trial.sweep_id);
  ConfigurationRecord& configuration = sweep.configurations.at(trial.configuration_id);
  if (granted_at) {
    ++configuration.timed;
    configuration.seconds += std::chrono::duration<double>(context_.clock.Steady() - *granted_at).count();
  }
  if (sweep.has_documents || outcome.documents_scored <= 0) return;
  const StatusOr<std::int64_t> count = context_.store.DocumentCount(trial.sweep_id);
  sweep.has_documents = count.ok() && *count >= outcome.documents_scored;
}

void Reports::HandleProgress(std::int64_t session, const Lease& lease, const Progress& progress) {
  const Session* open = context_.state.FindSession(session);
  AttemptRecord* record = context_.state.FindAttempt(lease.attempt_id);
  if (open == nullptr || record == nullptr || record->attempt.worker_id != open->worker_id) return;
  if (record->attempt.token != lease.token) return;
  record->progress = progress;
}

}  // namespace lorikeet::service
