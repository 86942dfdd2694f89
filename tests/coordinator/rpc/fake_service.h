// A service that remembers what it was asked and answers what a test says.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "coordinator/service/service.h"

namespace lorikeet::rpc {

// Thread-safe.
class FakeService : public service::Service {
 public:
  StatusOr<std::int64_t> Connect(const service::Hello& hello,
                                 std::shared_ptr<service::WorkerConnection> connection) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back("hello " + hello.worker_id);
    if (hello.protocol_version != 1) return FailedPrecondition("protocol {}", hello.protocol_version);
    connection->Send(service::Welcome{.session = ++session_,
                                      .lease = std::chrono::seconds(60),
                                      .renew_every = std::chrono::seconds(10),
                                      .keep = {{"a-1", 7}},
                                      .stop = {"a-2"}});
    connection_ = std::move(connection);
    return session_;
  }
  void HandleRenew(std::int64_t session, const service::Renew& renew) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back("renew " + std::to_string(session));
    connection_->Send(service::Renewed{.nonce = renew.nonce, .attempt_ids = {renew.leases.at(0).attempt_id}});
  }
  Status HandleReport(std::int64_t session, const service::Report& report) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back("report " + std::to_string(session));
    if (!report_answer_.ok()) return report_answer_;
    reports_.push_back(report);
    connection_->Send(service::Ack{
        .attempt_id = report.attempt_id, .sequence = report.events.back().first, .superseded = false});
    return absl::OkStatus();
  }
  void HandleProgress(std::int64_t, const service::Lease& lease, const service::Progress& progress) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back("progress " + lease.attempt_id + " " + progress.phase);
  }
  void HandleClosed(std::int64_t, const service::Lease& lease) override {
    Note("closed " + lease.attempt_id);
  }
  void HandleDraining(std::int64_t session) override { Note("draining " + std::to_string(session)); }
  void Disconnect(std::int64_t session) override { Note("disconnect " + std::to_string(session)); }
  Status Tick() override { return absl::OkStatus(); }

  StatusOr<service::Submitted> Submit(const spec::Sweep& sweep) override {
    Note("submit " + sweep.name);
    absl::MutexLock lock(&mutex_);
    if (!submit_answer_.ok()) return submit_answer_;
    return service::Submitted{
        .sweep_id = "s-1", .name = sweep.name, .existing = true, .trials = 12, .warnings = {"mind"}};
  }
  std::vector<service::SweepView> ListSweeps() override {
    service::SweepView view;
    view.sweep.id = "s-1";
    view.sweep.name = "tiny";
    view.sweep.trials = 12;
    view.succeeded = 5;
    view.waiting = {"no worker is connected"};
    view.eta_seconds = 30;
    return {view};
  }
  StatusOr<service::SweepView> GetSweep(const std::string& sweep) override {
    if (sweep != "tiny" && sweep != "s-1") return NotFound("no sweep '{}'", sweep);
    return ListSweeps().front();
  }
  StatusOr<std::vector<service::TrialView>> ListTrials(const std::string&) override {
    return std::vector<service::TrialView>();
  }
  StatusOr<service::TrialView> GetTrial(const std::string& trial) override {
    return NotFound("no trial '{}'", trial);
  }
  StatusOr<std::vector<core::HistoryEvent>> Events(const std::string&, const std::string&, std::int64_t after,
                                                   std::int64_t most) override {
    std::vector<core::HistoryEvent> events;
    for (std::int64_t id = after + 1; id <= 3 && static_cast<std::int64_t>(events.size()) < most; ++id) {
      events.push_back({.id = id,
                        .time = {},
                        .sweep_id = "s-1",
                        .trial_id = {},
                        .attempt_id = {},
                        .worker_id = {},
                        .kind = "log",
                        .message = "line " + std::to_string(id)});
    }
    return events;
  }
  StatusOr<service::Cancelled> Cancel(const std::string&, const std::string&) override {
    return service::Cancelled{.trials = 4, .state = "cancelled"};
  }
  std::vector<service::WorkerView> ListWorkers() override { return {}; }

  // ---- for tests
  void Note(std::string call) {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(std::move(call));
  }
  bool WaitFor(const std::string& call) const {
    absl::MutexLock lock(&mutex_);
    const auto seen = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return std::find(calls_.begin(), calls_.end(), call) != calls_.end();
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&seen), absl::Seconds(20));
  }
  std::vector<std::string> calls() const {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }
  std::vector<service::Report> reports() const {
    absl::MutexLock lock(&mutex_);
    return reports_;
  }
  std::shared_ptr<service::WorkerConnection> connection() const {
    absl::MutexLock lock(&mutex_);
    return connection_;
  }
  void AnswerReports(const Status& status) {
    absl::MutexLock lock(&mutex_);
    report_answer_ = status;
  }
  void AnswerSubmits(const Status& status) {
    absl::MutexLock lock(&mutex_);
    submit_answer_ = status;
  }

 private:
  mutable absl::Mutex mutex_;
  std::int64_t session_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<service::WorkerConnection> connection_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<service::Report> reports_ ABSL_GUARDED_BY(mutex_);
  Status report_answer_ ABSL_GUARDED_BY(mutex_), submit_answer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet::rpc
