// One worker's stream, as the service writes to it: a bounded queue in front of gRPC's one write at a time.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "coordinator/service/service.h"
#include "lorikeet/v1/worker.grpc.pb.h"

namespace lorikeet::rpc {

using WorkerReactor = grpc::ServerBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage>;

// Thread-safe; no call blocks. The service may hold it longer than the reactor lives: the reactor detaches
// when gRPC is done with it, and what is sent afterwards is dropped. gRPC never runs a reaction inside
// StartWrite or Finish, so both may be called under the lock.
class WorkerStream : public service::WorkerConnection {
 public:
  // A worker that takes nothing for so long is cut off; it reconnects and is told all that matters.
  static constexpr std::size_t kMostQueued = 4096;

  // `reactor` and `context` stay valid until Detach.
  WorkerStream(WorkerReactor* reactor, grpc::CallbackServerContext* context, std::string build);

  // Queues. Replaced is the last word: the stream ends when it has been written.
  void Send(service::ToWorker message) override;
  // The write that gRPC had is done.
  void Written(bool ok);
  // Reads the next message, unless the stream has been finished.
  void Read(v1::WorkerMessage* message);
  // Ends the stream; only the first call counts. What is queued is dropped.
  void Finish(const grpc::Status& status);
  void Detach();

 private:
  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishLocked(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string build_;
  absl::Mutex mutex_;
  WorkerReactor* reactor_ ABSL_GUARDED_BY(mutex_);
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::CoordinatorMessage> queue_ ABSL_GUARDED_BY(mutex_);
  v1::CoordinatorMessage current_ ABSL_GUARDED_BY(mutex_);  // with gRPC until Written
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;  // the last message is queued
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

// The streams that are open, so that a stopping coordinator can end them. Thread-safe.
class OpenStreams {
 public:
  // Once the coordinator stops, finishes the stream instead and returns false.
  bool Add(const std::shared_ptr<WorkerStream>& stream);
  void Remove(const std::shared_ptr<WorkerStream>& stream);
  // Finishes all with `reason`, and every later one.
  void End(const Status& reason);

 private:
  absl::Mutex mutex_;
  std::unordered_set<std::shared_ptr<WorkerStream>> streams_ ABSL_GUARDED_BY(mutex_);
  Status ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet::rpc
