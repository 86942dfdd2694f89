// The stream's side of the session: what the coordinator says.
#include "worker/agent/session.h"

#include <algorithm>
#include <utility>

#include "worker/agent/session_attempt.h"

namespace lorikeet::agent {
namespace {

// A coordinator that answers nothing for longer than its lease is gone, whatever TCP believes.
constexpr Duration kLeastSilence = std::chrono::seconds(30);

}  // namespace

Session::Session(SessionOptions options, const Folder& folder, Launcher& launcher, Link& link, Clock& clock)
    : options_(std::move(options)),
      folder_(folder),
      launcher_(launcher),
      link_(link),
      clock_(clock),
      gpus_(options_.gpu_limits) {
  if (options_.gpu_memory == nullptr) return;
  idle_stored_ = LoadIdleMemory(folder_, options_.boot);
  for (const Slot& slot : options_.slots) {
    const auto known = idle_stored_.find(slot.device);
    if (slot.kind == "cuda")
      gpus_.Add(slot.device, known == idle_stored_.end() ? std::nullopt : std::optional(known->second),
                clock_.Steady());
  }
}
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
  if (state_ == State::kWelcomed) {
    LogWarning({{"worker", folder_.identity()}, {"session", session_}},
               "the session is over ({}); training goes on", reason);
  }
  state_ = State::kDisconnected;
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
      HandBack("this worker was asked to drain");
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
  session_ = std::to_string(welcome.session());
  LogInfo({{"worker", folder_.identity()}, {"session", session_}}, "connected to coordinator {}, {} slot(s)",
          welcome.build(), options_.slots.size());
  std::set<std::string> kept;
  for (int i = 0; i < welcome.keep_size(); ++i) {
    Attempt* attempt = Find(welcome.keep(i));
    if (attempt == nullptr || attempt->dropped) continue;
    kept.insert(welcome.keep(i));
    const std::int64_t committed = i < welcome.committed_size() ? welcome.committed(i) : 0;
    // What is kept has not had its last word for the coordinator.
    const bool last_word_passed = attempt->final_spooled && committed >= attempt->spool->last();
    if (!attempt->handed_in() &&
        (attempt->spool_lost || last_word_passed || committed > attempt->spool->last())) {
      RestartSpool(*attempt, committed);
    } else if (committed < attempt->spool->acknowledged()) {
      // It has lost what it had acknowledged (a restored database), and we may have freed it.
      DropAttempt(*attempt, "the coordinator lacks events that it had acknowledged");
      continue;
    } else {
      attempt->sent = std::max(committed, attempt->spool->acknowledged());
      attempt->in_flight.clear();
      HandIn(*attempt, committed);
    }
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
  HandIn(*attempt, ack.sequence());
  std::deque<std::int64_t>& in_flight = attempt->in_flight;
  while (!in_flight.empty() && in_flight.front() <= ack.sequence()) in_flight.pop_front();
}

void Session::HandleRevoke(const v1::Revoke& revoke) {
  Attempt* attempt = Find(revoke.attempt_id());
  if (attempt == nullptr || attempt->record.token != revoke.token()) return;
  if (revoke.trial_over()) attempt->trial_over = true;
  if (attempt->dropped) return;
  if (!revoke.checkpoint()) return DropAttempt(*attempt, revoke.reason());
  if (attempt->waiting) {
    SpoolReturned(*attempt, revoke.reason());
    FreeSlots(*attempt);
  } else {
    StopTrainer(*attempt, StopHow::kCheckpoint, revoke.reason());
  }
}

void Session::Tick() {
  if (outcome_) return;
  KeepLimits();
  WatchDevices();
  WriteWaiting();
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
    SendRenew();  // before what may fill the stream
    SendSlots();  // before a slot that is not offered is told free
    SendProgress();
    SendEvents();
  }
  RemoveFinished();
  if (draining_ && attempts_.empty() && adapters_.empty()) Finish(0, "");
}

}  // namespace lorikeet::agent
