// The trainers' side of the session: grants become processes, what they report goes into spools.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "sweeps/trial/trial.h"
#include "worker/agent/session_attempt.h"

namespace lorikeet::agent {
namespace {

// Trials whose folders nobody has touched for so long went elsewhere.
constexpr std::chrono::hours kOldTrial{24 * 7};

// Failures that the coordinator never tries again.
bool Permanent(const v1::Failed& failed) {
  return failed.kind() == "bad_input" || failed.kind() == "diverged";
}

}  // namespace

Status Session::Recover(std::vector<StoredAttempt> stored) {
  std::vector<std::string> trials;
  for (StoredAttempt& from : stored) {
    auto attempt = std::make_unique<Attempt>();
    attempt->record = std::move(from.record);
    attempt->spool = std::move(from.spool);
    trials.push_back(attempt->record.trial_id);
    for (;;) {
      const std::int64_t after = attempt->sent;
      ASSIGN_OR_RETURN(const auto records,
                       attempt->spool->Read(after, options_.most_events, options_.most_event_bytes));
      if (records.empty()) break;
      for (const agent::Spool::Record& record : records) {
        v1::Event event;
        if (!event.ParseFromString(record.payload)) {
          return Internal("event {} of attempt {} in the spool cannot be read", record.sequence,
                          attempt->record.attempt_id);
        }
        if (event.has_checkpoint()) attempt->checkpoint_step = event.checkpoint().step();
        attempt->final_spooled = IsFinal(event);
        attempt->trial_over = event.has_result() || (event.has_failed() && Permanent(event.failed()));
      }
      attempt->sent = records.back().sequence;
    }
    attempt->sent = attempt->spool->acknowledged();
    if (!attempt->final_spooled) SpoolReturned(*attempt, "its worker was restarted");
    spdlog::info("attempt {} of an earlier run: {} event(s) to hand in", attempt->record.attempt_id,
                 attempt->spool->last() - attempt->spool->acknowledged());
    const std::string id = attempt->record.attempt_id;
    attempts_[id] = std::move(attempt);
  }
  folder_.RemoveOldTrials(kOldTrial, trials);
  return outcome_ ? Internal("{}", outcome_->message) : absl::OkStatus();
}

Status Session::CheckGrant(const v1::Grant& grant) const {
  if (draining_) return FailedPrecondition("the worker drains");
  if (grant.slots().empty()) return InvalidArgument("a grant without slots");
  for (const std::int64_t index : grant.slots()) {
    const bool known = std::any_of(options_.slots.begin(), options_.slots.end(),
                                   [&](const Slot& slot) { return slot.index == index; });
    if (!known) return InvalidArgument("this worker has no slot {}", index);
    for (const auto& [id, other] : attempts_) {
      const auto& taken = other->record.slots;
      if (other->slots_busy && std::find(taken.begin(), taken.end(), index) != taken.end()) {
        return FailedPrecondition("slot {} is taken by attempt {}", index, id);
      }
    }
  }
  return absl::OkStatus();
}

StatusOr<Launch> Session::MakeLaunch(const v1::Grant& grant) const {
  ASSIGN_OR_RETURN(const Trial trial, TrialFromJson(grant.trial_json()));
  Launch launch;
  launch.attempt_id = grant.attempt_id();
  launch.token = grant.token();
  ASSIGN_OR_RETURN(launch.attempt_folder, folder_.AttemptFolder(grant.attempt_id()));
  ASSIGN_OR_RETURN(launch.trial_folder, folder_.TrialFolder(grant.trial_id()));
  launch.trial_json = grant.trial_json();
  launch.documents = grant.want_documents();
  launch.threads = 0;
  for (const std::int64_t index : grant.slots()) {
    for (const Slot& slot : options_.slots) {
      if (slot.index != index) continue;
      if (launch.device.empty()) launch.device = slot.device;
      launch.threads += slot.threads;
    }
  }
  // The trial's own wish makes its losses the same on hosts of any size.
  if (trial.resources.threads) launch.threads = std::min(launch.threads, *trial.resources.threads);
  launch.threads = std::max<std::int64_t>(1, launch.threads);
  if (trial.time_limit_seconds) {
    launch.time_limit =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*trial.time_limit_seconds));
  }
  return launch;
}

void Session::HandleGrant(const v1::Grant& grant) {
  if (Find(grant.attempt_id()) != nullptr) return;  // said twice
  if (Status status = folder_.TrialFolder(grant.trial_id()).status(); !status.ok()) {
    return Finish(1, "a grant that cannot be: " + Message(status));
  }
  const Status allowed = CheckGrant(grant);
  auto owned = std::make_unique<Attempt>();
  Attempt& attempt = *owned;
  attempt.record = {grant.attempt_id(),
                    grant.token(),
                    grant.trial_id(),
                    grant.number(),
                    {grant.slots().begin(), grant.slots().end()}};
  attempt.lease_until = clock_.Steady() + lease_;  // until the first renewal says it exactly
  attempt.closed_told = false;
  StatusOr<StoredAttempt> stored = StoreAttempt(folder_, attempt.record);
  if (!stored.ok()) return Finish(1, Message(stored.status()));
  attempt.spool = std::move(stored->spool);
  attempts_[grant.attempt_id()] = std::move(owned);

  for (const auto& [id, other] : attempts_) {
    if (other->record.trial_id == grant.trial_id() && id != grant.attempt_id() && !other->dropped) {
      // Its folder goes on into the new attempt.
      DropAttempt(*other, "a newer attempt of its trial was granted");
    }
  }
  if (!allowed.ok()) return SpoolReturned(attempt, Message(allowed));
  attempt.slots_busy = true;
  StatusOr<Launch> launch = MakeLaunch(grant);
  if (!launch.ok()) {
    SpoolFailed(
        attempt, "bad_input",
        fmt::format("this worker ({}) cannot read the trial: {}", options_.build, Message(launch.status())));
    return FreeSlots(attempt);
  }
  spdlog::info("attempt {} of {} starts on {}, {} thread(s)", grant.attempt_id(), grant.trial_name(),
               launch->device, launch->threads);
  attempt.waiting = *std::move(launch);
  StartWaiting();
}

bool Session::TrialBusy(const Attempt& attempt) const {
  return std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& entry) {
    return entry.second.get() != &attempt && entry.second->process &&
           entry.second->record.trial_id == attempt.record.trial_id;
  });
}

void Session::StartWaiting() {
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->waiting && !attempt->dropped && !TrialBusy(*attempt)) StartOrReturn(*attempt);
  }
}

void Session::StartOrReturn(Attempt& attempt) {
  const Launch launch = *std::exchange(attempt.waiting, std::nullopt);
  const Status started = launcher_.Start(launch);
  if (started.ok()) {
    attempt.process = true;
    return;
  }
  spdlog::error("attempt {} cannot be started: {}", launch.attempt_id, Message(started));
  SpoolReturned(attempt, "cannot be started: " + Message(started));
  attempt.free_at = clock_.Steady() + options_.start_backoff;
}

void Session::Spool(Attempt& attempt, const v1::Event& event) {
  const bool final = IsFinal(event);
  if (Status status = attempt.spool->Append(event.SerializeAsString(), final); !status.ok()) {
    // Without its spool a worker can promise nothing: it ends, and the coordinator grants its trials
    // elsewhere.
    return Finish(1, Message(status));
  }
  attempt.final_spooled = attempt.final_spooled || final;
  if (event.has_result() || (event.has_failed() && Permanent(event.failed()))) attempt.trial_over = true;
}

void Session::SpoolReturned(Attempt& attempt, const std::string& reason) {
  v1::Event event;
  event.mutable_returned()->set_step(std::max<std::int64_t>(0, attempt.checkpoint_step));
  event.mutable_returned()->set_checkpointed(attempt.checkpoint_step >= 0);
  event.mutable_returned()->set_reason(reason);
  Spool(attempt, event);
}

void Session::SpoolFailed(Attempt& attempt, const std::string& kind, const std::string& message) {
  v1::Event event;
  event.mutable_failed()->set_kind(kind);
  event.mutable_failed()->set_message(message);
  Spool(attempt, event);
}

void Session::OnTrainerEvent(const std::string& attempt_id, const protocol::Event& event) {
  Attempt* attempt = Find(attempt_id);
  if (outcome_ || attempt == nullptr || attempt->dropped || attempt->final_spooled) return;
  if (const auto* progress = std::get_if<protocol::Progress>(&event)) {
    attempt->progress = *progress;
    return;
  }
  const std::string reason =
      attempt->stop_reason.empty() ? "its trainer stopped by itself" : attempt->stop_reason;
  const std::optional<v1::Event> wire = ToWire(event, reason);
  if (!wire) return;
  if (wire->has_checkpoint()) attempt->checkpoint_step = wire->checkpoint().step();
  Spool(*attempt, *wire);
  if (!attempt->final_spooled) return;
  attempt->progress.reset();
  if (wire->has_failed())
    spdlog::warn("attempt {} failed ({}): {}", attempt_id, wire->failed().kind(), wire->failed().message());
  if (wire->has_returned())
    spdlog::info("attempt {} stopped at step {}", attempt_id, wire->returned().step());
  if (wire->has_result()) spdlog::info("attempt {} has its result", attempt_id);
}

void Session::OnTrainerClosed(const std::string& attempt_id) {
  Attempt* attempt = Find(attempt_id);
  if (outcome_ || attempt == nullptr) return;
  attempt->process = false;
  if (!attempt->final_spooled && !attempt->dropped)
    SpoolFailed(*attempt, "crashed", "its trainer ended without a word");
  FreeSlots(*attempt);
  StartWaiting();
}

void Session::FreeSlots(Attempt& attempt) {
  attempt.waiting.reset();
  attempt.free_at.reset();
  attempt.slots_busy = false;
}

void Session::StopTrainer(Attempt& attempt, StopHow how, const std::string& reason) {
  if (!attempt.process || (!attempt.stop_reason.empty() && how == StopHow::kCheckpoint)) return;
  attempt.stop_reason = reason;
  launcher_.Stop(attempt.record.attempt_id, how);
}

void Session::DropAttempt(Attempt& attempt, const std::string& reason) {
  if (attempt.dropped) return;
  spdlog::info("attempt {} is dropped: {}", attempt.record.attempt_id, reason);
  attempt.dropped = true;
  // One that was handed in before may have told of a checkpoint that the next attempt resumes from.
  if (!attempt.final_spooled) attempt.trial_over = true;
  attempt.progress.reset();
  attempt.in_flight.clear();
  if (attempt.process) {
    StopTrainer(attempt, StopHow::kNow, reason);
  } else if (!attempt.free_at) {
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
    folder_.RemoveAttempt(attempt.record.attempt_id);
    entry = attempts_.erase(entry);
    const bool shared = std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& other) {
      return other.second->record.trial_id == trial_id;
    });
    if (trial_over && !shared) folder_.RemoveTrial(trial_id);
  }
}

void Session::Drain(const std::string& reason) {
  if (draining_ || outcome_) return;
  spdlog::info("draining: {}", reason);
  draining_ = true;
  drain_reason_ = reason;
  drain_deadline_ = clock_.Steady() + options_.drain_limit;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->waiting && !attempt->dropped) {
      SpoolReturned(*attempt, reason);
      FreeSlots(*attempt);
    }
    if (!attempt->dropped && !attempt->final_spooled) StopTrainer(*attempt, StopHow::kCheckpoint, reason);
    if (attempt->free_at) FreeSlots(*attempt);
  }
}

void Session::KeepLimits() {
  const SteadyTime now = clock_.Steady();
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->free_at && now >= *attempt->free_at) FreeSlots(*attempt);
    if (!attempt->process || attempt->dropped || attempt->final_spooled || !attempt->stop_reason.empty())
      continue;
    if (attempt->lease_until && now > *attempt->lease_until + options_.orphan_after) {
      spdlog::warn("attempt {} is stopped: cut off from the coordinator for too long", id);
      StopTrainer(*attempt, StopHow::kCheckpoint,
                  "cut off from the coordinator for longer than --orphan-after");
    }
  }
  if (draining_ && now >= drain_deadline_) {
    Finish(0, fmt::format(
                  "{} attempt(s) were not handed back within {} s; the next start of this worker does it",
                  attempts_.size(),
                  std::chrono::duration_cast<std::chrono::seconds>(options_.drain_limit).count()));
  }
}

}  // namespace lorikeet::agent
