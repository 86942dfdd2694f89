// The stream's side of the session: what the coordinator says, and what is owed to it.
#include "worker/agent/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/build_info.h"
#include "worker/agent/session_attempt.h"

namespace lorikeet::agent {
namespace {

// A coordinator that answers nothing for longer than its lease is gone, whatever TCP believes.
constexpr Duration kLeastSilence = std::chrono::seconds(30);
constexpr std::size_t kMostRenewals = 64;

}  // namespace

Session::Session(SessionOptions options, const Folder& folder, Launcher& launcher, Link& link, Clock& clock)
    : options_(std::move(options)), folder_(folder), launcher_(launcher), link_(link), clock_(clock) {}
Session::~Session() = default;

Session::Attempt* Session::Find(const std::string& attempt_id) {
  const auto found = attempts_.find(attempt_id);
  return found == attempts_.end() ? nullptr : found->second.get();
}

bool Session::busy() const {
  return std::any_of(attempts_.begin(), attempts_.end(),
                     [](const auto& entry) { return entry.second->slots_busy; });
}

void Session::Finish(int exit_code, const std::string& message) {
  if (!outcome_) outcome_ = Outcome{exit_code, message};
}

void Session::OnConnected() {
  if (outcome_) return;
  state_ = State::kGreeting;
  renewals_.clear();
  last_heard_ = clock_.Steady();
  SendHello();
}

void Session::OnDisconnected(const std::string& reason) {
  if (state_ == State::kWelcomed) spdlog::warn("the session is over ({}); training goes on", reason);
  state_ = State::kDisconnected;
}

void Session::SendHello() {
  v1::WorkerMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol_version(kProtocolVersion);
  hello.set_build(options_.build);
  hello.set_worker_id(folder_.identity());
  hello.set_hostname(options_.hostname);
  hello.set_draining(draining_);
  hello.set_start(folder_.starts());
  hello.set_process(options_.process);
  hello.set_connection(++connections_);
  for (const Slot& slot : options_.slots) *hello.add_slots() = ToWire(slot);
  in_hello_.clear();
  for (const auto& [id, attempt] : attempts_) {
    v1::Held& held = *hello.add_held();
    held.set_attempt_id(id);
    held.set_token(attempt->record.token);
    held.set_running(attempt->slots_busy);
    if (attempt->slots_busy) {
      for (const std::int64_t slot : attempt->record.slots) held.add_slots(slot);
    }
    held.set_spooled_sequence(attempt->spool->last());
    attempt->closed_told = !attempt->slots_busy;
    in_hello_.insert(id);
  }
  draining_told_ = draining_;
  hello_sent_ = clock_.Steady();
  link_.Send(message);
}

void Session::OnMessage(const v1::CoordinatorMessage& message) {
  if (outcome_ || state_ == State::kDisconnected) return;
  last_heard_ = clock_.Steady();
  if (message.has_replaced()) {
    Finish(1, fmt::format(
                  "a newer session of worker {} is open ({}); does another sweep-worker run on a copy of {}?",
                  folder_.identity(), message.replaced().reason(), folder_.path()));
    return;
  }
  if (message.has_welcome()) {
    if (state_ == State::kGreeting) HandleWelcome(message.welcome());
    return;
  }
  if (state_ != State::kWelcomed) return;
  switch (message.message_case()) {
    case v1::CoordinatorMessage::kGrant:
      HandleGrant(message.grant());
      break;
    case v1::CoordinatorMessage::kRenewed:
      HandleRenewed(message.renewed());
      break;
    case v1::CoordinatorMessage::kRevoke:
      HandleRevoke(message.revoke());
      break;
    case v1::CoordinatorMessage::kAck:
      HandleAck(message.ack());
      break;
    case v1::CoordinatorMessage::kDrain:
      Drain("the coordinator asks this worker to drain");
      break;
    default:  // of a newer coordinator, and not needed by workers of this version
      break;
  }
}

void Session::HandleWelcome(const v1::Welcome& welcome) {
  state_ = State::kWelcomed;
  if (welcome.lease_milliseconds() > 0) lease_ = std::chrono::milliseconds(welcome.lease_milliseconds());
  if (welcome.renew_milliseconds() > 0)
    renew_every_ = std::chrono::milliseconds(welcome.renew_milliseconds());
  next_renew_ = hello_sent_ + renew_every_;
  spdlog::info("connected to coordinator {} as {}, session {}, {} slot(s)", welcome.build(),
               folder_.identity(), welcome.session(), options_.slots.size());
  std::set<std::string> kept;
  for (int i = 0; i < welcome.keep_size(); ++i) {
    Attempt* attempt = Find(welcome.keep(i));
    if (attempt == nullptr || attempt->dropped) continue;
    kept.insert(welcome.keep(i));
    const std::int64_t committed = i < welcome.committed_size() ? welcome.committed(i) : 0;
    if (committed < attempt->spool->acknowledged()) {
      // It has lost what it had acknowledged (a restored database), and we may have freed it.
      DropAttempt(*attempt, "the coordinator lacks events that it had acknowledged");
      continue;
    }
    if (Status status = attempt->spool->Acknowledge(committed); !status.ok())
      return Finish(1, Message(status));
    attempt->sent = attempt->spool->acknowledged();
    attempt->in_flight.clear();
    attempt->lease_until = hello_sent_ + lease_;
  }
  for (const std::string& id : in_hello_) {
    Attempt* attempt = Find(id);
    if (attempt != nullptr && kept.count(id) == 0) DropAttempt(*attempt, "it does not count any more");
  }
}

void Session::HandleRenewed(const v1::Renewed& renewed) {
  const auto found = renewals_.find(renewed.nonce());
  if (found == renewals_.end()) return;
  const Renewal renewal = std::move(found->second);
  renewals_.erase(found);
  const std::set<std::string> ours(renewed.attempt_ids().begin(), renewed.attempt_ids().end());
  for (const std::string& id : renewal.attempts) {
    Attempt* attempt = Find(id);
    if (attempt == nullptr || attempt->dropped || attempt->handed_in()) continue;
    if (ours.count(id) == 0) {
      DropAttempt(*attempt, "its lease was not renewed");
      continue;
    }
    const SteadyTime until = renewal.sent + lease_;
    attempt->lease_until = std::max(attempt->lease_until.value_or(until), until);
  }
}

void Session::HandleAck(const v1::Ack& ack) {
  Attempt* attempt = Find(ack.attempt_id());
  if (attempt == nullptr || attempt->dropped) return;
  if (ack.superseded()) return DropAttempt(*attempt, "a newer attempt of its trial exists");
  if (Status status = attempt->spool->Acknowledge(ack.sequence()); !status.ok())
    return Finish(1, Message(status));
  std::deque<std::int64_t>& in_flight = attempt->in_flight;
  while (!in_flight.empty() && in_flight.front() <= ack.sequence()) in_flight.pop_front();
}

void Session::HandleRevoke(const v1::Revoke& revoke) {
  Attempt* attempt = Find(revoke.attempt_id());
  if (attempt == nullptr || attempt->dropped || attempt->record.token != revoke.token()) return;
  if (!revoke.checkpoint()) return DropAttempt(*attempt, revoke.reason());
  if (attempt->waiting) {
    SpoolReturned(*attempt, revoke.reason());
    FreeSlots(*attempt);
  } else {
    StopTrainer(*attempt, StopHow::kCheckpoint, revoke.reason());
  }
}

void Session::SendRenew() {
  const SteadyTime now = clock_.Steady();
  if (now < next_renew_) return;
  next_renew_ = now + renew_every_;
  v1::WorkerMessage message;
  v1::Renew& renew = *message.mutable_renew();
  renew.set_nonce(++nonce_);
  Renewal renewal{now, {}};
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->dropped || attempt->handed_in()) continue;
    v1::Lease& lease = *renew.add_leases();
    lease.set_attempt_id(id);
    lease.set_token(attempt->record.token);
    renewal.attempts.push_back(id);
  }
  renewals_[nonce_] = std::move(renewal);
  if (renewals_.size() > kMostRenewals) renewals_.erase(renewals_.begin());
  link_.Send(message);
}

void Session::SendEvents() {
  std::size_t batches = 0;
  for (const auto& [id, attempt] : attempts_) batches += attempt->in_flight.size();
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->dropped) continue;
    while (attempt->sent < attempt->spool->last()) {
      if (batches >= options_.most_batches || link_.Busy()) return;
      const auto records =
          attempt->spool->Read(attempt->sent, options_.most_events, options_.most_event_bytes);
      if (!records.ok()) return Finish(1, Message(records.status()));
      if (records->empty()) break;
      v1::WorkerMessage message;
      v1::EventBatch& batch = *message.mutable_events();
      batch.set_attempt_id(id);
      batch.set_token(attempt->record.token);
      for (const agent::Spool::Record& record : *records) {
        v1::Event& event = *batch.add_events();
        if (!event.ParseFromString(record.payload)) {
          return Finish(
              1, fmt::format("event {} of attempt {} in the spool cannot be read", record.sequence, id));
        }
        event.set_sequence(record.sequence);
      }
      attempt->sent = records->back().sequence;
      attempt->in_flight.push_back(attempt->sent);
      ++batches;
      link_.Send(message);
    }
  }
}

void Session::SendProgress() {
  const SteadyTime now = clock_.Steady();
  for (const auto& [id, attempt] : attempts_) {
    if (!attempt->progress || attempt->dropped || link_.Busy()) continue;
    if (attempt->progress_sent && now - *attempt->progress_sent < options_.progress_every) continue;
    v1::WorkerMessage message;
    v1::Progress& progress = *message.mutable_progress();
    progress.set_attempt_id(id);
    progress.set_token(attempt->record.token);
    progress.set_phase(attempt->progress->phase);
    progress.set_step(attempt->progress->step);
    progress.set_total(attempt->progress->total);
    if (attempt->progress->loss) progress.set_loss(*attempt->progress->loss);
    progress.set_tokens_per_second(attempt->progress->tokens_per_second);
    progress.set_eta_seconds(attempt->progress->eta_seconds);
    attempt->progress.reset();
    attempt->progress_sent = now;
    link_.Send(message);
  }
}

void Session::SendClosed(Attempt& attempt) {
  v1::WorkerMessage message;
  message.mutable_closed()->set_attempt_id(attempt.record.attempt_id);
  message.mutable_closed()->set_token(attempt.record.token);
  attempt.closed_told = true;
  link_.Send(message);
}

void Session::Tick() {
  if (outcome_) return;
  KeepLimits();
  if (state_ != State::kDisconnected && clock_.Steady() - last_heard_ > std::max(lease_, kLeastSilence)) {
    last_heard_ = clock_.Steady();
    link_.Reset("it has answered nothing for longer than a lease");
    return;
  }
  if (state_ == State::kWelcomed) {
    if (draining_ && !draining_told_) {
      v1::WorkerMessage message;
      message.mutable_draining();
      draining_told_ = true;
      link_.Send(message);
    }
    SendEvents();
    SendRenew();
    SendProgress();
  }
  RemoveFinished();
  if (draining_ && attempts_.empty()) Finish(0, "");
}

}  // namespace lorikeet::agent
