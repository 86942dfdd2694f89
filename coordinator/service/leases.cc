#include "coordinator/service/leases.h"

#include <algorithm>

#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"

namespace lorikeet::service {

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
    RETURN_IF_ERROR(context_.Commit(body));
  }
  const SteadyTime until = context_.clock.Steady() + context_.options.lease;
  for (const std::string& attempt : renewed.attempt_ids) state.SetLease(attempt, until);
  open->connection->Send(std::move(renewed));
  return absl::OkStatus();
}

Status Leases::Expire() {
  const SteadyTime now = context_.clock.Steady();
  const bool stood_still = now - last_tick_ > context_.options.lease / 4;
  last_tick_ = now;
  if (stood_still) {
    context_.state.SetAllLeases(now + context_.options.lease);
    return absl::OkStatus();
  }
  const std::vector<std::string> expired = context_.state.ExpiredBy(now);
  if (expired.empty()) return absl::OkStatus();
  return context_.Commit([&](store::Transaction&, Change& change) -> Status {
    for (const std::string& attempt : expired) {
      RETURN_IF_ERROR(Lose(change, attempt, "its lease ran out without a word of its worker"));
    }
    return absl::OkStatus();
  });
}

Status Leases::GrantPlanned() {
  State& state = context_.state;
  state.queue.Wake(context_.clock.Steady());
  const std::vector<scheduler::Grant> plan = scheduler::Plan(state.queue, state.fleet);
  if (plan.empty()) return absl::OkStatus();
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
  RETURN_IF_ERROR(context_.Commit(body));
  for (const auto& [sweep, attempt] : asked) state.FindSweep(sweep)->documents_from = attempt;
  const SteadyTime until = context_.clock.Steady() + context_.options.lease;
  for (const Grant& grant : grants) {
    for (scheduler::Slot& slot : state.fleet.at(grant.attempt.worker_id).slots) {
      if (std::find(grant.slots.begin(), grant.slots.end(), slot.index) != grant.slots.end()) {
        slot.attempt_id = grant.attempt.id;
      }
    }
    state.SetLease(grant.attempt.id, until);
    state.queue.Served(grant.sweep_id);
    state.SessionOf(grant.attempt.worker_id)->connection->Send(grant);
  }
  return absl::OkStatus();
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
  attempt.id = NewId("a", context_.random);
  attempt.trial_id = trial.id;
  attempt.number = trial.token;  // both grow by one with each grant
  attempt.token = trial.token;
  attempt.worker_id = planned.worker_id;
  attempt.granted_at = change.now();
  change.Note(attempt, "granted", context_.state.FindWorker(planned.worker_id)->worker.hostname);
  grant.attempt = change.Insert(std::move(attempt));
  grant.sweep_id = planned.sweep_id;
  grant.trial_name = trial.name;
  grant.slots = planned.slots;
  return absl::OkStatus();
}

}  // namespace lorikeet::service
