// A service that remembers what it was asked and answers what a test says.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "coordinator/service/service.h"

namespace lorikeet::rpc {

// Thread-safe: tests look at it from their own thread.
class FakeService : public service::Service {
 public:
  StatusOr<std::int64_t> Connect(const service::Hello& hello,
                                 std::shared_ptr<service::WorkerConnection> connection) override {
    absl::MutexLock lock(&mutex_);
    if (locked_) {
      const std::string refused = "locked " + hello.worker_id;  // once: it is asked over and over
      if (std::find(calls_.begin(), calls_.end(), refused) == calls_.end()) calls_.push_back(refused);
      return Unavailable("locked");
    }
    calls_.push_back("hello " + hello.worker_id);
    if (hello.protocol_version != 1) return FailedPrecondition("protocol {}", hello.protocol_version);
    std::vector<service::ToWorker> words = {service::Welcome{.session = ++session_,
                                                             .lease = std::chrono::seconds(60),
                                                             .renew_every = std::chrono::seconds(10),
                                                             .keep = {{"a-1", 7}},
                                                             .stop = {"a-2"}}};
    if (hello.worker_id == "w-drained") words.emplace_back(service::DrainRequest{});
    connection->SendAll(std::move(words));
    connection_ = std::move(connection);
    return session_;
  }
  Status DoTurn(const std::function<void()>& requests) override {
    requests();
    absl::MutexLock lock(&mutex_);
    return turn_answer_;
  }
  Status HandleRenew(std::int64_t session, const service::Renew& renew) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back("renew " + std::to_string(session));
    connection_->Send(service::Renewed{.nonce = renew.nonce, .attempt_ids = {renew.leases.at(0).attempt_id}});
    return absl::OkStatus();
  }
  Status HandleReport(std::int64_t session, const service::Report& report) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back("report " + std::to_string(session));
    reports_.push_back(report);
    connection_->Send(service::Ack{
        .attempt_id = report.attempt_id, .sequence = report.events.back().first, .superseded = false});
    return absl::OkStatus();
  }
  Status HandleUnreadable(std::int64_t, const service::Lease& lease, const Status& why) override {
    return Note("unreadable " + lease.attempt_id + " " + Message(why));
  }
  void HandleProgress(std::int64_t, const service::Lease& lease, const service::Progress& progress) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back("progress " + lease.attempt_id + " " + progress.phase);
  }
  Status HandleClosed(std::int64_t, const service::Lease& lease) override {
    return Note("closed " + lease.attempt_id);
  }
  Status HandleSlots(std::int64_t session, const std::vector<core::Slot>& slots) override {
    return Note("slots " + std::to_string(session) + " " + slots.at(0).quarantine);
  }
  Status HandleDraining(std::int64_t session) override { return Note("draining " + std::to_string(session)); }
  Status Disconnect(std::int64_t session) override { return Note("disconnect " + std::to_string(session)); }
  Status Tick(SteadyTime) override { return absl::OkStatus(); }

  StatusOr<std::string> Once(const service::RequestKey& key,
                             const std::function<StatusOr<std::string>()>& work) override {
    {
      absl::MutexLock lock(&mutex_);
      if (const auto known = answers_.find(key.id); known != answers_.end()) {
        if (known->second.first == key.fingerprint) return known->second.second;
        return InvalidArgument("{} was used", key.id);
      }
    }
    ASSIGN_OR_RETURN(const std::string answer, work());
    absl::MutexLock lock(&mutex_);
    answers_[key.id] = {key.fingerprint, answer};
    return answer;
  }
  StatusOr<service::Submitted> Submit(const spec::Sweep& sweep) override {
    RETURN_IF_ERROR(Note("submit " + sweep.name));
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
  StatusOr<std::vector<service::TrialView>> ListRunning(const std::string&) override {
    return std::vector<service::TrialView>();
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
  StatusOr<service::Paused> Pause(const std::string& sweep) override {
    Note("pause " + sweep).IgnoreError();
    return service::Paused{.name = sweep, .state = "paused", .changed = true, .running = 2, .pending = 3};
  }
  StatusOr<service::Paused> Resume(const std::string& sweep) override {
    return service::Paused{.name = sweep, .state = "running", .changed = false, .running = 2, .pending = 3};
  }
  StatusOr<service::Retried> Retry(const std::string& name) override {
    return service::Retried{.trials = 1,
                            .name = name,
                            .state = "pending",
                            .sweep = "tiny",
                            .sweep_state = "running",
                            .is_trial = true};
  }
  StatusOr<service::Imported> ImportRow(const core::ForeignRow& row) override {
    imported.push_back(row);
    return service::Imported{.sweep = row.sweep_id, .name = row.name};
  }
  StatusOr<service::Imported> RemoveRow(const std::string& sweep, const std::string& name) override {
    return service::Imported{.sweep = sweep, .name = name};
  }
  std::vector<core::ForeignRow> imported;
  StatusOr<service::ScoresTaken> PutScores(const service::ScoresUpload& upload) override {
    absl::MutexLock lock(&mutex_);
    uploads.push_back(upload);
    return service::ScoresTaken{.sweep = upload.sweep, .rows = {"a row"}, .runs = 1, .documents = 2};
  }
  std::vector<service::ScoresUpload> uploads;
  StatusOr<service::BenchmarksTaken> PutBenchmarks(const core::Benchmarks& measured) override {
    absl::MutexLock lock(&mutex_);
    benchmarks.push_back(measured);
    return service::BenchmarksTaken{
        .sweep = measured.sweep_id, .rows = static_cast<std::int64_t>(measured.rows.size()), .replaced = 1};
  }
  std::vector<core::Benchmarks> benchmarks;
  StatusOr<service::Prioritized> SetPriority(const std::string& sweep, std::int64_t priority) override {
    return service::Prioritized{.name = sweep, .priority = priority, .changed = true};
  }
  StatusOr<service::Drained> Drain(const std::string& worker, bool undo) override {
    return service::Drained{.worker_id = worker,
                            .hostname = "host",
                            .state = undo ? "connected" : "draining",
                            .changed = true,
                            .attempts = 1};
  }
  StatusOr<service::Readmitted> Readmit(const std::string& worker) override {
    return service::Readmitted{
        .worker_id = worker, .hostname = "host", .state = "connected", .changed = true};
  }
  std::vector<service::WorkerView> ListWorkers() override { return {}; }

  StatusOr<std::string> OfferArtifact(const core::Artifact& artifact, const std::string& worker_id,
                                      std::int64_t coming) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(
        fmt::format("offer {} {} {} {}", artifact.attempt_id, worker_id, artifact.Bytes(), coming));
    RETURN_IF_ERROR(offer_answer_);
    return fmt::format("s-1/{}-{}-{}", artifact.trial_id, core::Name(artifact.kind), ++offers_);
  }
  Status KeepArtifact(const core::Artifact& artifact, const std::string& worker_id) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(fmt::format("keep {} {} {}", artifact.attempt_id, worker_id, artifact.path));
    RETURN_IF_ERROR(keep_answer_);
    artifacts_.push_back(artifact);
    return absl::OkStatus();
  }
  StatusOr<service::FoundArtifact> FindCheckpoint(const std::string& trial_id, const service::Lease& lease,
                                                  const std::string& worker_id) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(
        fmt::format("checkpoint {} {} {} {}", trial_id, lease.attempt_id, lease.token, worker_id));
    return Newest(core::ArtifactKind::kCheckpoint);
  }
  StatusOr<service::FoundArtifact> FindAdapter(const std::string&) override {
    absl::MutexLock lock(&mutex_);
    return Newest(core::ArtifactKind::kAdapter);
  }
  StatusOr<std::vector<service::PrunedSweep>> Prune(const std::string& sweep, bool dry_run) override {
    RETURN_IF_ERROR(Note("prune " + sweep + (dry_run ? " dry" : "")));
    return std::vector<service::PrunedSweep>{{.sweep_id = "s-1",
                                              .name = "tiny",
                                              .checkpoints = 1,
                                              .checkpoint_bytes = 2,
                                              .adapters = 3,
                                              .adapter_bytes = 4,
                                              .log_lines = 5,
                                              .log_bytes = 6}};
  }

  // ---- for tests
  void AnswerOffers(const Status& status) {
    absl::MutexLock lock(&mutex_);
    offer_answer_ = status;
  }
  void AnswerKeeps(const Status& status) {
    absl::MutexLock lock(&mutex_);
    keep_answer_ = status;
  }
  std::vector<core::Artifact> artifacts() const {
    absl::MutexLock lock(&mutex_);
    return artifacts_;
  }
  Status Note(std::string call) {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(std::move(call));
    return absl::OkStatus();
  }
  // Every turn from now on.
  void FailTurns(const Status& status) {
    absl::MutexLock lock(&mutex_);
    turn_answer_ = status;
  }
  // As while another program has the database locked: a Hello waits, and is noted as "locked ID".
  void Lock(bool locked) {
    absl::MutexLock lock(&mutex_);
    locked_ = locked;
  }
  bool WaitFor(const std::string& call) const {
    absl::MutexLock lock(&mutex_);
    const auto seen = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return std::find(calls_.begin(), calls_.end(), call) != calls_.end();
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&seen), absl::Seconds(60));
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
  void AnswerSubmits(const Status& status) {
    absl::MutexLock lock(&mutex_);
    submit_answer_ = status;
  }

 private:
  StatusOr<service::FoundArtifact> Newest(core::ArtifactKind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (auto artifact = artifacts_.rbegin(); artifact != artifacts_.rend(); ++artifact) {
      if (artifact->kind == kind)
        return service::FoundArtifact{.artifact = *artifact, .trial_name = "lora rank=2 seed=1"};
    }
    return NotFound("there is none");
  }

  mutable absl::Mutex mutex_;
  std::vector<core::Artifact> artifacts_ ABSL_GUARDED_BY(mutex_);
  Status offer_answer_ ABSL_GUARDED_BY(mutex_), keep_answer_ ABSL_GUARDED_BY(mutex_);
  std::int64_t offers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t session_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<service::WorkerConnection> connection_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<service::Report> reports_ ABSL_GUARDED_BY(mutex_);
  // By request id: fingerprint and answer.
  std::map<std::string, std::pair<std::string, std::string>> answers_ ABSL_GUARDED_BY(mutex_);
  bool locked_ ABSL_GUARDED_BY(mutex_) = false;
  Status submit_answer_ ABSL_GUARDED_BY(mutex_);
  Status turn_answer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet::rpc
