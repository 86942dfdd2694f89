// The trainers' side of the session: grants become processes, what they report goes into spools.
#include <algorithm>
#include <utility>

#include "common/failure_kinds.h"
#include "common/logging.h"
#include "worker/agent/session_attempt.h"

namespace lorikeet::agent {

Status Session::CheckGrant(const v1::Grant& grant) const {
  if (draining_) return FailedPrecondition("the worker drains");
  if (grant.slots().empty()) return InvalidArgument("a grant without slots");
  for (const std::int64_t index : grant.slots()) {
    const bool known = std::any_of(options_.slots.begin(), options_.slots.end(),
                                   [&](const Slot& slot) { return slot.index == index; });
    if (!known) return InvalidArgument("this worker has no slot {}", index);
    for (const Slot& slot : options_.slots) {
      const std::string why = slot.index == index ? WhyNotOffered(slot) : "";
      if (!why.empty()) return FailedPrecondition("slot {} ({}) is not offered: {}", index, slot.device, why);
    }
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
  const StatusOr<Trial> read = TrialFromJson(grant.trial_json());
  if (!read.ok()) {
    return InvalidArgument("this worker ({}) cannot read the trial: {}", options_.build,
                           Message(read.status()));
  }
  const Trial& trial = *read;
  if (options_.allow_trial) RETURN_IF_ERROR(options_.allow_trial(trial));
  Launch launch;
  launch.attempt_id = grant.attempt_id();
  launch.token = grant.token();
  ASSIGN_OR_RETURN(launch.attempt_folder, folder_.AttemptFolder(grant.attempt_id()));
  ASSIGN_OR_RETURN(launch.trial_folder, folder_.TrialFolder(grant.trial_id()));
  if (trial.method == Method::kFull && !options_.shared_checkpoints.empty()) {
    launch.checkpoint_folder = options_.shared_checkpoints + "/" + grant.trial_id();
  }
  launch.small_checkpoints = trial.method == Method::kLora || trial.method == Method::kPrompt;
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
  auto owned = std::make_unique<Attempt>(options_);
  Attempt& attempt = *owned;
  attempt.record = {grant.attempt_id(),
                    grant.token(),
                    grant.trial_id(),
                    grant.number(),
                    {grant.slots().begin(), grant.slots().end()}};
  attempt.lease_until = clock_.Steady() + lease_;  // until the first renewal says it exactly
  attempt.closed_told = false;
  attempt.sweep_id = grant.sweep_id();
  StatusOr<StoredAttempt> stored = StoreAttempt(folder_, attempt.record);
  if (stored.ok()) {
    attempt.spool = std::move(stored->spool);
  } else {
    attempt.spool = agent::Spool::InMemory(0);
    attempt.spool_lost = true;
    folder_.RemoveAttempt(grant.attempt_id());
  }
  attempts_[grant.attempt_id()] = std::move(owned);

  for (const auto& [id, other] : attempts_) {
    if (other->record.trial_id == grant.trial_id() && id != grant.attempt_id() && !other->dropped) {
      // Its folder goes on into the new attempt.
      DropAttempt(*other, "a newer attempt of its trial was granted");
    }
  }
  if (!allowed.ok()) return SpoolReturned(attempt, Message(allowed));
  attempt.slots_busy = true;
  if (!stored.ok()) {
    LogError(FieldsOf(attempt), "it is refused: {}", Message(stored.status()));
    SpoolReturned(attempt, "cannot be stored: " + Message(stored.status()), /*not_started=*/true);
    HoldSlots(attempt);
    return CheckFolder();
  }
  StatusOr<Launch> launch = MakeLaunch(grant);
  if (!launch.ok()) {
    SpoolFailed(attempt, failure::kBadInput, Message(launch.status()));
    return FreeSlots(attempt);
  }
  LogInfo(FieldsOf(attempt), "{} starts on {}, {} thread(s)", grant.trial_name(), launch->device,
          launch->threads);
  attempt.carries = launch->small_checkpoints;
  attempt.waiting = *std::move(launch);
  attempt.prepare_until = clock_.Steady() + options_.prepare_limit;
  for (const v1::Fingerprint& one : grant.fingerprints()) {
    attempt.expected.push_back({one.name(), one.value(), one.error()});
  }
  if (options_.fingerprinter != nullptr) {
    attempt.files_asked = true;
    attempt.progress = protocol::Progress{.phase = "fingerprinting", .loss = std::nullopt};
    options_.fingerprinter->Ask(grant.attempt_id(), *TrialFromJson(grant.trial_json()));
  }
  FetchIfNewer(attempt, grant);
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
    if (attempt->waiting && !attempt->files_asked && !attempt->fetching && !attempt->dropped &&
        !TrialBusy(*attempt))
      StartOrReturn(*attempt);
  }
}

void Session::StartOrReturn(Attempt& attempt) {
  const Launch launch = *std::exchange(attempt.waiting, std::nullopt);
  Status started = folder_.MakeTrial(attempt.record.trial_id);
  if (started.ok()) started = launcher_.Start(launch);
  if (started.ok()) {
    attempt.process = true;
    return;
  }
  LogError(FieldsOf(attempt), "it cannot be started: {}", Message(started));
  SpoolReturned(attempt, "cannot be started: " + Message(started), /*not_started=*/true);
  HoldSlots(attempt);
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
  if (wire->has_checkpoint()) SendCheckpoint(*attempt);
  if (!attempt->final_spooled || attempt->spool_lost) return;
  attempt->progress.reset();
  if (wire->has_failed())
    LogWarning(FieldsOf(*attempt), "it failed ({}): {}", wire->failed().kind(), wire->failed().message());
  if (wire->has_returned()) LogInfo(FieldsOf(*attempt), "it stopped at step {}", wire->returned().step());
  if (wire->has_result()) LogInfo(FieldsOf(*attempt), "it has its result");
}

void Session::OnTrainerClosed(const std::string& attempt_id) {
  Attempt* attempt = Find(attempt_id);
  if (outcome_ || attempt == nullptr) return;
  attempt->process = false;
  if (!attempt->final_spooled && !attempt->dropped)
    SpoolFailed(*attempt, failure::kCrashed, "its trainer ended without a word");
  attempt->clearing = true;
  for (const std::string& device : DevicesOf(attempt->record)) gpus_.Release(device, clock_.Steady());
  WatchDevices();
  StartWaiting();
}

}  // namespace lorikeet::agent
