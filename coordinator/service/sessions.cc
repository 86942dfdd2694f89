#include "coordinator/service/sessions.h"

#include <algorithm>
#include <set>

#include "common/build_info.h"
#include "coordinator/core/state_machine.h"
#include "coordinator/service/attempts.h"

namespace lorikeet::service {
namespace {

Status CheckHello(const Hello& hello, const Options& options) {
  if (hello.protocol_version > kProtocolVersion || hello.protocol_version < kProtocolVersion - 1) {
    return FailedPrecondition(
        "worker {} ({}) speaks protocol {}; this coordinator ({}) serves {} and {}: install the same version "
        "on both",
        hello.hostname, hello.build, hello.protocol_version, options.build, kProtocolVersion - 1,
        kProtocolVersion);
  }
  if (hello.worker_id.empty()) return InvalidArgument("a worker without an id");
  std::set<std::int64_t> indices;
  for (const core::Slot& slot : hello.slots) {
    if (!indices.insert(slot.index).second) {
      return InvalidArgument("worker {} offers slot {} twice", hello.hostname, slot.index);
    }
    if (slot.kind != "cpu" && slot.kind != "cuda") {
      return InvalidArgument("worker {} offers a slot of kind '{}'; cpu or cuda", hello.hostname, slot.kind);
    }
  }
  return absl::OkStatus();
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
  RETURN_IF_ERROR(context_.Commit(body));

  if (Session* older = state.SessionOf(hello.worker_id); older != nullptr) {
    older->connection->Send(Replaced{"a newer session of this worker is open"});
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
  connection->Send(std::move(welcome));
  return id;
}

Status Sessions::Record(const Hello& hello, std::int64_t session, Welcome& welcome, Change& change) {
  const WorkerRecord* known = context_.state.FindWorker(hello.worker_id);
  core::Worker worker{.id = hello.worker_id,
                      .hostname = hello.hostname,
                      .build = hello.build,
                      .session = session,
                      .state = hello.draining ? "draining" : "connected",
                      .slots = hello.slots,
                      .first_seen_at = known == nullptr ? change.now() : known->worker.first_seen_at,
                      .last_seen_at = change.now()};
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
  scheduler::Worker worker{.id = hello.worker_id, .draining = hello.draining, .slots = {}};
  for (const core::Slot& slot : hello.slots) {
    worker.slots.push_back({.index = slot.index,
                            .gpu = slot.kind == "cuda",
                            .memory_bytes = slot.memory_bytes,
                            .attempt_id = ""});
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
}

void Sessions::Closed(std::int64_t session, const Lease& lease) {
  const Session* open = context_.state.FindSession(session);
  if (open == nullptr) return;
  for (scheduler::Slot& slot : context_.state.fleet.at(open->worker_id).slots) {
    if (slot.attempt_id == lease.attempt_id) slot.attempt_id.clear();
  }
}

Status Sessions::Draining(std::int64_t session) {
  const Session* open = context_.state.FindSession(session);
  if (open == nullptr) return absl::OkStatus();
  scheduler::Worker& worker = context_.state.fleet.at(open->worker_id);
  if (worker.draining) return absl::OkStatus();
  const auto body = [&](store::Transaction&, Change& change) -> Status {
    core::Worker& stored = change.worker(open->worker_id);
    stored.state = "draining";
    stored.last_seen_at = change.now();
    change.NoteWorker(stored, "draining", stored.hostname);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.Commit(body));
  worker.draining = true;
  return absl::OkStatus();
}

Status Sessions::Disconnect(std::int64_t session) {
  State& state = context_.state;
  const Session* open = state.FindSession(session);
  if (open == nullptr) return absl::OkStatus();
  const std::string worker_id = open->worker_id;
  // Gone from memory whether or not the database can be told: nothing can be sent to it any more.
  state.sessions.erase(session);
  state.fleet.erase(worker_id);
  state.FindWorker(worker_id)->session = 0;
  return context_.Commit([&](store::Transaction&, Change& change) -> Status {
    core::Worker& stored = change.worker(worker_id);
    stored.state = "disconnected";
    stored.last_seen_at = change.now();
    change.NoteWorker(stored, "disconnected", stored.hostname);
    return absl::OkStatus();
  });
}

}  // namespace lorikeet::service
