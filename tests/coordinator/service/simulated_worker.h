// A worker with its spool and its processes, all of it pretended: it behaves as an honest agent does, on a
// connection that may lose whatever has not been read yet.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {

class SimulatedWorker {
 public:
  SimulatedWorker(std::string id, std::int64_t slots, RandomSource& random)
      : id_(std::move(id)), slot_count_(slots), random_(random) {}

  bool connected() const { return connection_ != nullptr; }
  std::int64_t session() const { return session_; }
  bool idle() const { return attempts_.empty(); }

  void Connect(Service& service) {
    Hello hello{.protocol_version = kProtocolVersion,
                .build = "sim",
                .worker_id = id_,
                .hostname = id_,
                .slots = CpuSlots(slot_count_),
                .held = {},
                .draining = false};
    for (const auto& [id, attempt] : attempts_) {
      hello.held.push_back({id, attempt.grant.attempt.token, attempt.running,
                            attempt.running ? attempt.grant.slots : std::vector<std::int64_t>{},
                            static_cast<std::int64_t>(attempt.spool.size())});
    }
    connection_ = std::make_shared<FakeConnection>();
    read_ = 0;
    const auto session = service.Connect(hello, connection_);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *session;
  }
  // The stream breaks; what was not read is lost.
  void LoseConnection() { connection_.reset(); }
  // kill -9 of the worker: its processes go with it, the spool stays; what has no last word is forgotten.
  void Kill() {
    LoseConnection();
    for (auto at = attempts_.begin(); at != attempts_.end();) {
      at->second.running = false;
      at = at->second.finished ? std::next(at) : attempts_.erase(at);
    }
  }

  // Reads what came.
  void Read(Service& service) {
    while (connected() && read_ < connection_->inbox.size()) {
      const ToWorker message = connection_->inbox[read_++];
      if (const auto* grant = std::get_if<Grant>(&message)) {
        for (const auto& [id, attempt] : attempts_) {
          for (const std::int64_t slot : grant->slots) {
            EXPECT_FALSE(attempt.running &&
                         std::count(attempt.grant.slots.begin(), attempt.grant.slots.end(), slot) > 0)
                << id_ << ": slot " << slot << " was granted while " << id << " has it";
          }
        }
        for (const std::int64_t slot : grant->slots) EXPECT_LT(slot, slot_count_);
        attempts_[grant->attempt.id] = {
            .grant = *grant, .spool = {}, .acknowledged = 0, .running = true, .finished = false};
      } else if (const auto* ack = std::get_if<Ack>(&message)) {
        const auto held = attempts_.find(ack->attempt_id);
        if (held == attempts_.end()) continue;
        held->second.acknowledged = std::max(held->second.acknowledged, ack->sequence);
        if (!ack->superseded && held->second.finished &&
            held->second.acknowledged == static_cast<std::int64_t>(held->second.spool.size()) &&
            std::holds_alternative<core::Result>(held->second.spool.back())) {
          promised_.insert(held->second.grant.attempt.trial_id);
        }
        if (ack->superseded) Stop(service, ack->attempt_id);
        Forget(ack->attempt_id);
      } else if (const auto* revoke = std::get_if<Revoke>(&message)) {
        Stop(service, revoke->attempt_id);
      } else if (const auto* welcome = std::get_if<Welcome>(&message)) {
        for (const std::string& id : welcome->stop) Stop(service, id);
        for (const auto& [id, committed] : welcome->keep) {
          attempts_.at(id).acknowledged = committed;
          Forget(id);
        }
      }
    }
  }

  // One of its processes says something; a process that has said its last word ends.
  void Work(Service& service) {
    for (auto& [id, attempt] : attempts_) {
      if (!attempt.running || Chance(2)) continue;
      if (attempt.finished) {
        attempt.running = false;
        if (connected()) service.HandleClosed(session_, {id, attempt.grant.attempt.token});
        continue;
      }
      attempt.spool.push_back(Next(attempt));
      attempt.finished = std::holds_alternative<core::Result>(attempt.spool.back()) ||
                         std::holds_alternative<Failed>(attempt.spool.back()) ||
                         std::holds_alternative<Returned>(attempt.spool.back());
    }
  }

  // Sends from its spool: mostly what is next, sometimes what was sent before, sometimes with a hole.
  void Send(Service& service) {
    if (!connected()) return;
    for (const auto& [id, attempt] : attempts_) {
      if (attempt.spool.empty() || Chance(3)) continue;
      const auto size = static_cast<std::int64_t>(attempt.spool.size());
      std::int64_t first = attempt.acknowledged + 1;
      if (Chance(4)) first = 1;
      if (Chance(10)) first += 1;
      if (first > size) continue;
      const std::int64_t last =
          first + static_cast<std::int64_t>(random_.Next() % static_cast<std::uint64_t>(size - first + 1));
      Report report{.attempt_id = id, .token = attempt.grant.attempt.token, .events = {}};
      for (std::int64_t i = first; i <= last; ++i) {
        report.events.emplace_back(i, attempt.spool[static_cast<std::size_t>(i - 1)]);
      }
      const Status status = service.HandleReport(session_, report);
      if (absl::IsFailedPrecondition(status)) {  // the coordinator ends the stream
        service.Disconnect(session_);
        LoseConnection();
        return;
      }
      EXPECT_TRUE(status.ok()) << status;
    }
  }

  void Renew(Service& service) {
    if (!connected()) return;
    service::Renew renew{.nonce = 1, .leases = {}};
    for (const auto& [id, attempt] : attempts_) renew.leases.push_back({id, attempt.grant.attempt.token});
    service.HandleRenew(session_, renew);
  }

  // Trials of which a result was acknowledged.
  const std::set<std::string>& promised() const { return promised_; }

 private:
  struct Held {
    Grant grant;
    std::vector<Event> spool;
    std::int64_t acknowledged = 0;
    bool running = false;   // its process is there
    bool finished = false;  // its last word is spooled
  };

  bool Chance(std::uint64_t one_in) { return random_.Next() % one_in == 0; }

  Event Next(const Held& attempt) {
    switch (attempt.spool.size()) {
      case 0:
        return MakeStarted();
      case 1:
        return core::Metric{1, "train_loss", 2.0};
      case 2:
        return CheckpointSaved{1};
      case 3:
        if (Chance(8)) return Failed{"crashed", "signal 9"};
        if (Chance(8)) return Returned{1, true, "drained"};
        return store::MakePrediction("test", "d1", 0.25);
      default:
        return MakeScores(1);
    }
  }
  void Stop(Service& service, const std::string& id) {
    const auto held = attempts_.find(id);
    if (held == attempts_.end()) return;
    const bool was_running = held->second.running;
    const core::Token token = held->second.grant.attempt.token;
    attempts_.erase(held);
    if (was_running && connected()) service.HandleClosed(session_, {id, token});
  }
  // Once its process is gone and all of it is acknowledged.
  void Forget(const std::string& id) {
    const auto held = attempts_.find(id);
    if (held == attempts_.end() || held->second.running || !held->second.finished) return;
    if (held->second.acknowledged >= static_cast<std::int64_t>(held->second.spool.size()))
      attempts_.erase(held);
  }

  const std::string id_;
  const std::int64_t slot_count_;
  RandomSource& random_;
  std::shared_ptr<FakeConnection> connection_;
  std::int64_t session_ = 0;
  std::size_t read_ = 0;
  std::map<std::string, Held> attempts_;
  std::set<std::string> promised_;
};

}  // namespace lorikeet::service
