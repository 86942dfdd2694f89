#include "coordinator/service/sessions.h"

#include <algorithm>
#include <set>

#include "common/build_info.h"
#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"
#include "coordinator/service/files.h"

namespace lorikeet::service {
namespace {

Status CheckSlots(const std::string& hostname, const std::vector<core::Slot>& slots) {
  std::set<std::int64_t> indices;
  for (const core::Slot& slot : slots) {
    if (!indices.insert(slot.index).second) {
      return InvalidArgument("worker {} offers slot {} twice", hostname, slot.index);
    }
    if (slot.kind != "cpu" && slot.kind != "cuda") {
      return InvalidArgument("worker {} offers a slot of kind '{}'; cpu or cuda", hostname, slot.kind);
    }
  }
  return absl::OkStatus();
}

Status CheckHello(const Hello& hello, const Options& options) {
  constexpr std::int64_t kOldest = std::max<std::int64_t>(1, kProtocolVersion - 1);
  if (hello.protocol_version > kProtocolVersion || hello.protocol_version < kOldest) {
    return FailedPrecondition(
        "worker {} ({}) speaks protocol {}; this coordinator ({}) serves {} to {}: install the same version "
        "on both",
        hello.hostname, hello.build, hello.protocol_version, options.build, kOldest, kProtocolVersion);
  }
  if (hello.worker_id.empty()) return InvalidArgument("a worker without an id");
  return CheckSlots(hello.hostname, hello.slots);
}

// Whether a Hello was said before the one of the open session. A copy of the worker's folder is another
// worker.
bool IsLate(const Origin& hello, const Origin& open) {
  if (hello.start == 0 || open.start == 0) return false;
  if (hello.start != open.start) return hello.start < open.start;
  return hello.process == open.process && hello.connection <= open.connection;
}

}  // namespace

StatusOr<std::int64_t> Sessions::Connect(const Hello& hello,
                                         const std::shared_ptr<WorkerConnection>& connection) {
  RETURN_IF_ERROR(CheckHello(hello, context_.options));
  State& state = context_.state;
  if (const Session* open = state.SessionOf(hello.worker_id);
      open != nullptr && IsLate(hello.origin, open->origin)) {
    return Aborted("worker {} has said Hello again since", hello.hostname);
  }
  const std::int64_t id = state.last_session + 1;
  Welcome welcome{.session = id,
                  .lease = context_.options.lease,
                  .renew_every = context_.options.renew_every,
                  .keep = {},
                  .stop = {}};
  const auto body = [&](store::Transaction& transaction, Change& change) -> Status {
    RETURN_IF_ERROR(Record(hello, id, welcome, change));
    for (auto& [attempt, committed] : welcome.keep) {
      ASSIGN_OR_RETURN(committed, transaction.CommittedSequence(attempt));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));

  if (Session* older = state.SessionOf(hello.worker_id); older != nullptr) {
    context_.turn.Send(older->connection, Replaced{"a newer session of this worker is open"});
    state.sessions.erase(older->id);
  }
  state.last_session = id;
  state.FindWorker(hello.worker_id)->session = id;
  state.sessions[id] = {.id = id,
                        .worker_id = hello.worker_id,
                        .connection = connection,
                        .last_seen = context_.clock.Wall(),
                        .origin = hello.origin};
  OfferSlots(hello);
  for (const auto& [attempt, committed] : welcome.keep) {
    state.SetLease(attempt, context_.clock.Steady() + context_.options.lease);
  }
  const bool drains = state.FindWorker(hello.worker_id)->worker.drain && !welcome.keep.empty();
  context_.turn.Send(connection, std::move(welcome));
  if (drains) context_.turn.Send(connection, DrainRequest{});
  return id;
}

Status Sessions::Record(const Hello& hello, std::int64_t session, Welcome& welcome, Change& change) {
  const WorkerRecord* known = context_.state.FindWorker(hello.worker_id);
  core::Worker worker{.id = hello.worker_id,
                      .hostname = hello.hostname,
                      .build = hello.build,
                      .session = session,
                      .state = hello.draining ? "draining" : "connected",
                      .drain = known != nullptr && known->worker.drain,
                      .quarantine = known == nullptr ? "" : known->worker.quarantine,
                      .failing = known == nullptr ? std::vector<std::string>() : known->worker.failing,
                      .labels = hello.labels,
                      .slots = hello.slots,
                      .first_seen_at = known == nullptr ? change.now() : known->worker.first_seen_at,
                      .last_seen_at = change.now()};
  // Of a worker that does not say which start it is of, none is another's.
  if (known != nullptr && !hello.origin.process.empty()) LiftBars(change, worker.id, hello.origin.process);
  change.Put(worker);
  change.NoteWorker(worker, worker.state, fmt::format("{}, {} slots", worker.hostname, worker.slots.size()));
  return SortHeld(hello, welcome, change);
}

Status Sessions::SortHeld(const Hello& hello, Welcome& welcome, Change& change) {
  State& state = context_.state;
  std::set<std::string> kept;
  for (const Held& held : hello.held) {
    const AttemptRecord* record = state.FindAttempt(held.attempt_id);
    const bool counts = record != nullptr && record->attempt.worker_id == hello.worker_id &&
                        state.TrialOf(*record)->trial.token == held.token;
    if (!counts) {
      welcome.stop.push_back(held.attempt_id);
      continue;
    }
    if (!kept.insert(held.attempt_id).second) continue;
    welcome.keep.emplace_back(held.attempt_id, 0);
    // Before its trial goes to another: it is there after all.
    if (record->attempt.state == core::AttemptState::kLost)
      RETURN_IF_ERROR(NoteAlive(change, held.attempt_id));
  }
  for (const std::string& id : state.AttemptsOn(hello.worker_id)) {
    if (kept.contains(id) || !core::IsLeased(state.FindAttempt(id)->attempt.state)) continue;
    RETURN_IF_ERROR(Lose(change, id, "its worker came back without it"));
  }
  return absl::OkStatus();
}

void Sessions::OfferSlots(const Hello& hello) {
  const core::Worker& stored = context_.state.FindWorker(hello.worker_id)->worker;
  scheduler::Worker worker{.id = hello.worker_id,
                           .draining = hello.draining || stored.drain,
                           .quarantined = !stored.quarantine.empty(),
                           .slots = {},
                           .labels = hello.labels};
  for (const core::Slot& slot : hello.slots) {
    worker.slots.push_back({.index = slot.index,
                            .gpu = slot.kind == "cuda",
                            .memory_bytes = slot.memory_bytes,
                            .attempt_id = "",
                            .quarantined = !slot.quarantine.empty()});
  }
  // Whether or not they still count: their processes are there.
  for (const Held& held : hello.held) {
    if (!held.running) continue;
    for (scheduler::Slot& slot : worker.slots) {
      const bool its = std::find(held.slots.begin(), held.slots.end(), slot.index) != held.slots.end();
      if (its) slot.attempt_id = held.attempt_id;
    }
  }
  context_.state.fleet[hello.worker_id] = std::move(worker);
  context_.state.plan_is_stale = true;
}

void Sessions::Closed(std::int64_t session, const Lease& lease) {
  const Session* open = context_.state.FindSession(session);
  if (open == nullptr) return;
  for (scheduler::Slot& slot : context_.state.fleet.at(open->worker_id).slots) {
    if (slot.attempt_id != lease.attempt_id) continue;
    slot.attempt_id.clear();
    context_.state.plan_is_stale = true;
  }
}

Status Sessions::SlotsChanged(std::int64_t session, const std::vector<core::Slot>& slots) {
  const Session* open = context_.state.FindSession(session);
  if (open == nullptr) return absl::OkStatus();
  const core::Worker& known = context_.state.FindWorker(open->worker_id)->worker;
  RETURN_IF_ERROR(CheckSlots(known.hostname, slots));
  const auto same_index = [](const core::Slot& a, const core::Slot& b) { return a.index == b.index; };
  if (!std::equal(slots.begin(), slots.end(), known.slots.begin(), known.slots.end(), same_index)) {
    return FailedPrecondition("worker {} has other slots than its Hello said", known.hostname);
  }
  const auto body = [&](store::Transaction&, Change& change) -> Status {
    core::Worker& stored = change.worker(open->worker_id);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const std::string& before = stored.slots[i].quarantine;
      if (before.empty() == slots[i].quarantine.empty()) continue;
      change.NoteWorker(stored, slots[i].quarantine.empty() ? "slot_offered" : "slot_quarantined",
                        fmt::format("slot {} ({}){}{}", slots[i].index, slots[i].device,
                                    slots[i].quarantine.empty() ? "" : ": ", slots[i].quarantine));
    }
    stored.slots = slots;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));
  scheduler::Worker& offered = context_.state.fleet.at(open->worker_id);
  for (std::size_t i = 0; i < slots.size(); ++i) offered.slots[i].quarantined = !slots[i].quarantine.empty();
  context_.state.plan_is_stale = true;
  return absl::OkStatus();
}

Status Sessions::Draining(std::int64_t session) {
  const Session* open = context_.state.FindSession(session);
  if (open == nullptr) return absl::OkStatus();
  scheduler::Worker& worker = context_.state.fleet.at(open->worker_id);
  if (context_.state.FindWorker(open->worker_id)->worker.state == "draining") return absl::OkStatus();
  const auto body = [&](store::Transaction&, Change& change) -> Status {
    core::Worker& stored = change.worker(open->worker_id);
    stored.state = "draining";
    stored.last_seen_at = change.now();
    change.NoteWorker(stored, "draining", stored.hostname);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));
  worker.draining = true;
  return absl::OkStatus();
}

Status Sessions::Disconnect(std::int64_t session) {
  State& state = context_.state;
  const Session* open = state.FindSession(session);
  if (open == nullptr) return absl::OkStatus();
  const std::string worker_id = open->worker_id;
  const auto body = [&](store::Transaction&, Change& change) -> Status {
    core::Worker& stored = change.worker(worker_id);
    stored.state = "disconnected";
    stored.last_seen_at = change.now();
    change.NoteWorker(stored, "disconnected", stored.hostname);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Apply(body));
  state.sessions.erase(session);
  state.fleet.erase(worker_id);
  state.FindWorker(worker_id)->session = 0;
  return absl::OkStatus();
}

}  // namespace lorikeet::service
