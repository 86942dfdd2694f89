// The attempts' spools: what goes into them, and what is done where the disk is full, fails or has lost
// something.
#include <algorithm>
#include <utility>

#include "common/failure_kinds.h"
#include "common/logging.h"
#include "worker/agent/session_attempt.h"

namespace lorikeet::agent {
Status Session::Recover(std::vector<StoredAttempt> stored) {
  for (StoredAttempt& from : stored) {
    auto attempt = std::make_unique<Attempt>(options_);
    attempt->record = std::move(from.record);
    attempt->spool = std::move(from.spool);
    attempt->sent = attempt->spool->acknowledged();
    if (Status read = ReadSpool(*attempt); !read.ok()) {
      LoseSpool(*attempt, read);
    } else if (!attempt->final_spooled) {
      SpoolReturned(*attempt, "its worker was restarted");
    }
    LogInfo(FieldsOf(*attempt), "it is of an earlier run: {} event(s) to hand in",
            attempt->spool->last() - attempt->spool->acknowledged());
    const std::string id = attempt->record.attempt_id;
    attempts_[id] = std::move(attempt);
  }
  RecoverAdapters();
  RemoveOldTrials();
  return outcome_ ? Internal("{}", outcome_->message) : absl::OkStatus();
}

Status Session::ReadSpool(Attempt& attempt) {
  for (std::int64_t after = attempt.spool->acknowledged(); after < attempt.spool->last();) {
    ASSIGN_OR_RETURN(const auto records,
                     attempt.spool->Read(after, options_.most_events, options_.most_event_bytes));
    if (records.empty()) return Internal("events are missing in its spool");
    for (const agent::Spool::Record& record : records) {
      v1::Event event;
      if (!event.ParseFromString(record.payload))
        return Internal("event {} in its spool cannot be read", record.sequence);
      if (event.has_checkpoint()) attempt.checkpoint_step = event.checkpoint().step();
      NoteLastWord(attempt, event);
    }
    after = records.back().sequence;
  }
  return absl::OkStatus();
}

void Session::NoteLastWord(Attempt& attempt, const v1::Event& event) {
  if (IsFinal(event)) attempt.final_spooled = true;
  if (event.has_result()) attempt.succeeded = true;
  if (event.has_result() || (event.has_failed() && failure::IsPermanent(event.failed().kind())))
    attempt.trial_over = true;
}

void Session::Spool(Attempt& attempt, const v1::Event& event) {
  if (event.has_metric() && !KeepsPoint(attempt, event)) return;
  if (IsFinal(event)) {
    EndThinning(attempt);
    if (attempt.final_spooled) return;  // the disk failed meanwhile, and another last word is there
  }
  Append(attempt, event);
}

std::size_t Session::Fullness(const Attempt& attempt) const {
  // With the disk full, half of what may wait is to curves what the limit is on disk: so they are thinned
  // before the trainer has to stand still.
  const double share = 2 * static_cast<double>(attempt.spool->waiting_bytes()) /
                       static_cast<double>(std::max<std::size_t>(1, options_.most_waiting_bytes));
  return std::max(attempt.spool->unacknowledged_bytes(),
                  static_cast<std::size_t>(share * static_cast<double>(options_.most_spooled_bytes)));
}

bool Session::KeepsPoint(Attempt& attempt, const v1::Event& event) {
  const bool active = attempt.thinning.active();
  const bool keeps = attempt.thinning.Keep(event, Fullness(attempt));
  if (!active && !keeps) {
    LogWarning(FieldsOf(attempt), "its learning curves are thinned: {} of its events are not handed in yet",
               attempt.spool->last() - attempt.spool->acknowledged());
  }
  return keeps;
}

void Session::EndThinning(Attempt& attempt) {
  for (const v1::Event& event : attempt.thinning.End()) {
    if (event.has_log()) LogWarning(FieldsOf(attempt), "{}", event.log().message());
    Append(attempt, event);
    if (attempt.final_spooled) return;
  }
}

void Session::Append(Attempt& attempt, const v1::Event& event) {
  if (Status status = attempt.spool->Append(event.SerializeAsString(), IsFinal(event)); !status.ok())
    return LoseSpool(attempt, status);
  NoteLastWord(attempt, event);
  NoteRoom(attempt);
}

void Session::SpoolReturned(Attempt& attempt, const std::string& reason, bool not_started) {
  v1::Event event;
  event.mutable_returned()->set_not_started(not_started);
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

void Session::HandIn(Attempt& attempt, std::int64_t committed) {
  const Status freed = attempt.spool->Acknowledge(committed);
  if (!freed.ok() && !attempt.handed_in()) return LoseSpool(attempt, freed);
  NoteRoom(attempt);
  if (!attempt.final_spooled && attempt.thinning.Over(Fullness(attempt))) EndThinning(attempt);
}

void Session::NoteRoom(Attempt& attempt) {
  const std::string& id = attempt.record.attempt_id;
  const std::size_t waiting = attempt.spool->waiting_bytes();
  const bool full = waiting > 0;
  if (full && !attempt.disk_full)
    LogWarning(FieldsOf(attempt), "{} is on a full disk: what it reports waits in memory", folder_.path());
  if (!full && attempt.disk_full) LogInfo(FieldsOf(attempt), "nothing of it waits for the disk any more");
  attempt.disk_full = full;
  const bool hold = waiting > options_.most_waiting_bytes / (attempt.held ? 2 : 1);
  if (hold == attempt.held || !attempt.process) return;
  LogWarning(FieldsOf(attempt), "{}", hold ? "it stands still until there is room" : "it goes on");
  attempt.held = hold;
  launcher_.Hold(id, hold);
}

void Session::WriteWaiting() {
  for (const auto& [id, attempt] : attempts_) {
    if (!attempt->disk_full || attempt->dropped) continue;
    if (Status written = attempt->spool->Flush(); !written.ok()) {
      LoseSpool(*attempt, written);
    } else {
      NoteRoom(*attempt);
    }
  }
}

void Session::RestartSpool(Attempt& attempt, std::int64_t committed) {
  attempt.sent = committed;
  attempt.in_flight.clear();
  if (!attempt.final_spooled) return attempt.spool->Restart(committed);
  const auto last = attempt.spool->Read(attempt.spool->last() - 1, 1, options_.most_event_bytes);
  if (!last.ok() || last->empty())
    return LoseSpool(attempt, last.ok() ? Internal("its last event is gone") : last.status());
  LogWarning(FieldsOf(attempt), "the coordinator has its events up to {}; its last word goes behind them",
             committed);
  attempt.spool->Restart(committed);
  if (Status status = attempt.spool->Append(last->front().payload, true); !status.ok())
    return LoseSpool(attempt, status);
  NoteRoom(attempt);
}

void Session::LoseSpool(Attempt& attempt, const Status& why) {
  const std::string& id = attempt.record.attempt_id;
  LogError(FieldsOf(attempt), "it is handed back: {}", Message(why));
  // The coordinator has, or will have on this stream, what was sent; where it does not, Welcome says so.
  attempt.spool = agent::Spool::InMemory(std::max(attempt.sent, attempt.spool->acknowledged()));
  attempt.spool_lost = true;
  attempt.succeeded = attempt.trial_over = attempt.disk_full = false;
  if (std::exchange(attempt.held, false)) launcher_.Hold(id, false);
  const bool waited = attempt.slots_busy && !attempt.process && !attempt.clearing;
  SpoolReturned(attempt, "its events cannot be kept: " + Message(why), /*not_started=*/waited);
  attempt.progress.reset();
  // A later start must not take for whole what is left of it.
  if (const auto folder = folder_.AttemptFolder(id); folder.ok())
    folder_.disk().Remove(*folder + "/spool").IgnoreError();
  if (attempt.process) {
    StopTrainer(attempt, StopHow::kNow, Message(why));
  } else if (attempt.slots_busy && !attempt.clearing) {
    HoldSlots(attempt);
  }
  CheckFolder();
}

void Session::CheckFolder() {
  if (Status status = folder_.Check(); !status.ok())
    Finish(1, "the worker's folder cannot be written any more: " + Message(status));
}

}  // namespace lorikeet::agent
