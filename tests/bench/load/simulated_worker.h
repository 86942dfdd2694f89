// One simulated worker: the wire's side of a host, without the host.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "lorikeet/v1/worker.grpc.pb.h"
#include "tests/bench/load/tally.h"
#include "tests/bench/load/work.h"

namespace lorikeet::load {

struct WorkerOptions {
  std::string id;  // also the host's name
  std::int64_t slots = 1;
  bool waits = false;  // keeps grants until Release
};

// Thread-safe: gRPC's threads and the fleet's meet under one lock a worker. The tally, the stub and the
// token's call outlive it; it may be destroyed only after WaitForEnd.
class SimulatedWorker final : public grpc::ClientBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage>,
                              private Outbox {
 public:
  SimulatedWorker(WorkerOptions options, std::unique_ptr<Work> work, Tally& tally);

  // Opens the stream and says Hello.
  void Connect(v1::WorkerService::Stub& stub, const std::string& token);
  // Keeps grants until Release, which works on them and on later ones.
  void Hold();
  void Release();
  // Renews what it holds; a heartbeat where that is nothing. Nothing before Welcome.
  void Renew();
  void Cancel();
  void WaitForEnd();

  // Seconds from each Renew to its Renewed since the last call.
  std::vector<double> TakeRenewals();
  std::vector<std::string> finished();

 private:
  struct Renewal {
    std::int64_t nonce = 0;
    double sent = 0;
    int leases = 0;
  };

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void Send(v1::WorkerMessage message) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Handle(const v1::CoordinatorMessage& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandleRenewed(const v1::Renewed& renewed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const WorkerOptions options_;
  Tally& tally_;
  grpc::ClientContext context_;
  v1::CoordinatorMessage reading_;  // gRPC's until OnReadDone

  absl::Mutex mutex_;
  const std::unique_ptr<Work> work_ ABSL_PT_GUARDED_BY(mutex_);
  v1::WorkerMessage writing_message_ ABSL_GUARDED_BY(mutex_);  // gRPC's until OnWriteDone
  std::deque<v1::WorkerMessage> queue_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool handling_ ABSL_GUARDED_BY(mutex_) = false;  // a message: what it asks for leaves together
  bool open_ ABSL_GUARDED_BY(mutex_) = false;      // writes may be started
  bool welcomed_ ABSL_GUARDED_BY(mutex_) = false;
  bool waits_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<v1::Grant> waiting_ ABSL_GUARDED_BY(mutex_);
  std::deque<Renewal> renewing_ ABSL_GUARDED_BY(mutex_);
  std::vector<double> renewals_ ABSL_GUARDED_BY(mutex_);
  std::int64_t nonce_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lorikeet::load
