// What is owed to the coordinator, and when it is sent.
#include <algorithm>
#include <utility>

#include "common/build_info.h"
#include "worker/agent/session_attempt.h"

namespace lorikeet::agent {
namespace {

constexpr std::size_t kMostRenewals = 64;

}  // namespace

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
  slots_told_ = SlotsNow();
  for (const Slot& slot : options_.slots) {
    *hello.add_slots() = ToWire(slot);
    hello.mutable_slots()->rbegin()->set_quarantine(slots_told_[slot.index]);
  }
  hello.mutable_labels()->insert(options_.labels.begin(), options_.labels.end());
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
  auto entry = attempts_.upper_bound(served_);
  for (std::size_t passed = 0; passed < attempts_.size();) {
    if (batches >= options_.most_batches || link_.Busy() || outcome_) return;
    if (entry == attempts_.end()) entry = attempts_.begin();
    const bool sent = SendBatch(*entry->second);
    if (sent) served_ = entry->first;
    passed = sent ? 0 : passed + 1;
    batches += sent ? 1 : 0;
    ++entry;
  }
}

bool Session::SendBatch(Attempt& attempt) {
  if (attempt.dropped || attempt.sent >= attempt.spool->last() ||
      attempt.in_flight.size() >= options_.most_batches_each) {
    return false;
  }
  const auto records = attempt.spool->Read(attempt.sent, options_.most_events, options_.most_event_bytes);
  if (!records.ok() || records->empty()) {
    LoseSpool(attempt, records.ok() ? Internal("events are missing in its spool") : records.status());
    return false;
  }
  v1::WorkerMessage message;
  v1::EventBatch& batch = *message.mutable_events();
  batch.set_attempt_id(attempt.record.attempt_id);
  batch.set_token(attempt.record.token);
  for (const agent::Spool::Record& record : *records) {
    v1::Event& event = *batch.add_events();
    if (!event.ParseFromString(record.payload)) {
      LoseSpool(attempt, Internal("event {} in its spool cannot be read", record.sequence));
      return false;
    }
    event.set_sequence(record.sequence);
  }
  attempt.sent = records->back().sequence;
  attempt.in_flight.push_back(attempt.sent);
  link_.Send(message);
  return true;
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

}  // namespace lorikeet::agent
