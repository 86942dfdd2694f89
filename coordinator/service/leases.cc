#include "coordinator/service/leases.h"

#include <algorithm>
#include <optional>
#include <set>

#include "common/failure_kinds.h"
#include "coordinator/core/retry.h"
#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"
#include "coordinator/service/blame.h"

namespace lorikeet::service {
namespace {

// Between two ticks. A busy moment is no stall: else the leases of a short --lease would never end.
constexpr Duration kLeastStall = std::chrono::seconds(2);
constexpr Duration kLookAtRoomEvery = std::chrono::seconds(5);

}  // namespace

Status Leases::HandleRenew(std::int64_t session, const Renew& renew) {
  State& state = context_.state;
  Session* open = state.FindSession(session);
  if (open == nullptr) return absl::OkStatus();
  open->last_seen = context_.clock.Wall();
  Renewed renewed{.nonce = renew.nonce, .attempt_ids = {}};
  std::vector<std::string> found;  // lost, and here after all
  for (const Lease& lease : renew.leases) {
    const AttemptRecord* record = state.FindAttempt(lease.attempt_id);
    if (record == nullptr || record->attempt.worker_id != open->worker_id) continue;
    if (state.TrialOf(*record)->trial.token != lease.token) continue;
    if (record->attempt.state == core::AttemptState::kLost) found.push_back(lease.attempt_id);
    renewed.attempt_ids.push_back(lease.attempt_id);
  }
  if (!found.empty()) {
    const auto body = [&](store::Transaction&, Change& change) -> Status {
      for (const std::string& attempt : found) RETURN_IF_ERROR(NoteAlive(change, attempt));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(context_.Apply(body));
  }
  const SteadyTime until = context_.clock.Steady() + context_.options.lease;
  for (const std::string& attempt : renewed.attempt_ids) state.SetLease(attempt, until);
  context_.turn.Send(open->connection, std::move(renewed));
  return absl::OkStatus();
}

Status Leases::Expire(SteadyTime heard) {
  const SteadyTime now = context_.clock.Steady();
  const bool stood_still = now - last_tick_ > std::max<Duration>(context_.options.lease / 4, kLeastStall);
  last_tick_ = now;
  if (stood_still) {
    context_.state.SetAllLeases(now + context_.options.lease);
    return absl::OkStatus();
  }
  const std::vector<std::string> expired = context_.state.ExpiredBy(std::min(now, heard));
  if (expired.empty()) return absl::OkStatus();
  return context_.Apply([&](store::Transaction&, Change& change) -> Status {
    static constexpr const char* kSilent = "its lease ran out without a word of its worker";
    // What takes several trials at once is one thing that went wrong.
    std::set<std::string> silent;
    for (const std::string& id : expired) {
      RETURN_IF_ERROR(Lose(change, id, kSilent));
      change.CountExpiredLease();
      const core::Attempt& attempt = change.attempt(id);
      if (context_.state.SessionOf(attempt.worker_id) == nullptr) continue;
      if (silent.insert(attempt.worker_id).second) NoteFailureOn(change, attempt, {failure::kLost, kSilent});
    }
    return absl::OkStatus();
  });
}

Status Leases::GrantPlanned() {
  State& state = context_.state;
  if (state.queue.Wake(context_.clock.Steady())) state.plan_is_stale = true;
  if (!state.plan_is_stale || !HasRoom()) return absl::OkStatus();
  std::vector<scheduler::Grant> plan = scheduler::Plan(state.queue, state.fleet);
  ASSIGN_OR_RETURN(const bool gave_up, GiveUpOn(plan));
  if (plan.empty()) {
    state.plan_is_stale = gave_up;
    return absl::OkStatus();
  }
  std::vector<Grant> grants(plan.size());
  std::map<std::string, std::string> asked;  // sweep, the attempt asked for its documents
  for (std::size_t i = 0; i < plan.size(); ++i) {
    ASSIGN_OR_RETURN(grants[i].trial_json, context_.store.TrialSettings(plan[i].trial_id));
  }
  const auto body = [&](store::Transaction&, Change& change) -> Status {
    for (std::size_t i = 0; i < plan.size(); ++i) {
      RETURN_IF_ERROR(Prepare(plan[i], grants[i], change));
      const SweepRecord& sweep = *state.FindSweep(plan[i].sweep_id);
      grants[i].want_documents = !sweep.has_documents && sweep.documents_from.empty() &&
                                 asked.emplace(plan[i].sweep_id, grants[i].attempt.id).second;
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));
  for (const auto& [sweep, attempt] : asked) state.FindSweep(sweep)->documents_from = attempt;
  const SteadyTime until = context_.clock.Steady() + context_.options.lease;
  for (const Grant& grant : grants) {
    for (scheduler::Slot& slot : state.fleet.at(grant.attempt.worker_id).slots) {
      if (std::find(grant.slots.begin(), grant.slots.end(), slot.index) != grant.slots.end()) {
        slot.attempt_id = grant.attempt.id;
      }
    }
    state.SetLease(grant.attempt.id, until);
    state.FindAttempt(grant.attempt.id)->granted = context_.clock.Steady();
    state.queue.Served(grant.sweep_id);
    context_.turn.Send(state.SessionOf(grant.attempt.worker_id)->connection, grant);
  }
  state.plan_is_stale = gave_up;  // else a plan leaves nothing that could still be granted
  return absl::OkStatus();
}

bool Leases::HasRoom() {
  const SteadyTime now = context_.clock.Steady();
  State& state = context_.state;
  if (state.room_looked_at && now - *state.room_looked_at < kLookAtRoomEvery) return !state.short_of_room;
  state.room_looked_at = now;
  const StatusOr<std::int64_t> free = context_.store.FreeBytes();
  state.short_of_room.reset();
  // Where the disk does not say, a commit will.
  if (free.ok() && *free < context_.options.reserve_bytes) state.short_of_room = *free;
  return !state.short_of_room;
}

StatusOr<bool> Leases::GiveUpOn(std::vector<scheduler::Grant>& plan) {
  State& state = context_.state;
  std::vector<const TrialRecord*> lost;
  for (const scheduler::Grant& grant : plan) {
    const TrialRecord* record = state.FindTrial(grant.trial_id);
    if (!record->attempt_id.empty()) lost.push_back(record);
  }
  if (lost.empty()) return false;
  std::set<std::string> given_up;
  const auto body = [&](store::Transaction& transaction, Change& change) -> Status {
    for (const TrialRecord* record : lost) {
      const core::Trial& trial = record->trial;
      std::optional<std::string> why;
      if (const RetryPolicy& retry = state.RetryOf(trial); core::AtInterruptionLimit(retry, trial)) {
        why = TooManyInterruptions(retry, trial, "its lease ran out");
      } else {
        ASSIGN_OR_RETURN(why, WhyPoisonous(transaction, change, trial.id, /*down_now=*/""));
      }
      if (!why) continue;
      RETURN_IF_ERROR(GiveUp(change, record->attempt_id, *why));
      given_up.insert(trial.id);
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));
  std::erase_if(plan, [&](const scheduler::Grant& grant) { return given_up.contains(grant.trial_id); });
  return !given_up.empty();
}

// Issues the token: besides a cancel, nothing else does.
Status Leases::Prepare(const scheduler::Grant& planned, Grant& grant, Change& change) {
  const TrialRecord& record = *context_.state.FindTrial(planned.trial_id);
  if (!record.attempt_id.empty()) RETURN_IF_ERROR(Supersede(change, record.attempt_id));
  core::Trial& trial = change.trial(planned.trial_id);
  RETURN_IF_ERROR(core::Move(trial, core::TrialState::kRunning));
  ++trial.token;
  trial.not_before.reset();
  core::Attempt attempt;
  attempt.id = NewIdOf("a", trial.id, context_.random);
  attempt.trial_id = trial.id;
  attempt.number = 1;
  if (trial.token > 1) {
    ASSIGN_OR_RETURN(const std::vector<core::Attempt> earlier, context_.store.Attempts(trial.id));
    if (!earlier.empty()) attempt.number = earlier.back().number + 1;
    ASSIGN_OR_RETURN(const std::optional<core::Artifact> checkpoint,
                     context_.store.FindArtifact(trial.id, core::ArtifactKind::kCheckpoint));
    if (checkpoint) {
      grant.checkpoint =
          GrantCheckpoint{.token = checkpoint->token, .step = checkpoint->step, .bytes = checkpoint->Bytes()};
    }
  }
  attempt.token = trial.token;
  attempt.worker_id = planned.worker_id;
  attempt.granted_at = change.now();
  change.Note(attempt, "granted", context_.state.FindWorker(planned.worker_id)->worker.hostname);
  grant.attempt = change.Insert(std::move(attempt));
  grant.sweep_id = planned.sweep_id;
  grant.trial_name = trial.name;
  grant.slots = planned.slots;
  for (const auto& [name, file] : context_.state.FindSweep(planned.sweep_id)->files)
    grant.fingerprints.push_back({name, file.value});
  return absl::OkStatus();
}

}  // namespace lorikeet::service
