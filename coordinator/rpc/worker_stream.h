// One worker's stream: a bounded queue in front of gRPC's one write at a time, a bound to what is read ahead
// of the service, and one to its silence.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/status.h"
#include "coordinator/service/observer.h"
#include "coordinator/service/service.h"
#include "lorikeet/v1/worker.grpc.pb.h"

namespace lorikeet::rpc {

using WorkerReactor = grpc::ServerBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage>;

// How long a worker may say nothing: before its Hello, and after it.
struct SilenceLimits {
  Duration hello, word;
};

// Thread-safe; no call blocks. The service may hold it longer than the reactor lives: the reactor detaches
// when gRPC is done with it, and what is sent afterwards is dropped. gRPC never runs a reaction inside
// StartWrite or Finish, so both may be called under the lock.
class WorkerStream : public service::WorkerConnection {
 public:
  // A worker that takes nothing for so long is cut off; it reconnects and is told all that matters.
  static constexpr std::size_t kMostQueued = 4096;
  // Messages that wait for the service. The next is not read before: that is the back-pressure.
  static constexpr std::size_t kMostUnanswered = 16;

  // `reactor` and `context` stay valid until Detach; clock and observer (which may be null) outlive the
  // stream.
  WorkerStream(WorkerReactor* reactor, grpc::CallbackServerContext* context, std::string build,
               const Clock& clock, service::Observer* observer);

  // Queues. Replaced is the last word: the stream ends when it has been written.
  void Send(service::ToWorker message) override;
  void SendAll(std::vector<service::ToWorker> messages) override;
  void Close(const Status& reason) override;
  // The write that gRPC had is done.
  void Written(bool ok);
  // Reads the next message, unless the stream has been finished; where too many are unanswered, then when one
  // has been. `message` stays valid until Detach.
  void Read(v1::WorkerMessage* message);
  // A message was handed to the service.
  void Asked();
  // The service has answered it; an error ends the stream.
  void Answered(const Status& status);
  // Ends the stream where nothing has come for too long, counted from `awake` at the earliest. While
  // something is unanswered the silence is our own: the worker may wait for the answer.
  void EndIfSilent(SteadyTime now, SteadyTime awake, const SilenceLimits& limits);
  // Ends the stream; only the first call counts. What is queued is dropped.
  void Finish(const grpc::Status& status);
  void Detach();

 private:
  void QueueLocked(const service::ToWorker& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishLocked(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string build_;
  const Clock& clock_;
  service::Observer* const observer_;
  absl::Mutex mutex_;
  WorkerReactor* reactor_ ABSL_GUARDED_BY(mutex_);
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::CoordinatorMessage> queue_ ABSL_GUARDED_BY(mutex_);
  v1::CoordinatorMessage current_ ABSL_GUARDED_BY(mutex_);       // with gRPC until Written
  v1::WorkerMessage* wanted_ ABSL_GUARDED_BY(mutex_) = nullptr;  // to be read into; null: gRPC reads, or none
  std::size_t unanswered_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<SteadyTime> listening_since_ ABSL_GUARDED_BY(mutex_);  // none: gRPC does not read
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;                       // something has come
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool written_ ABSL_GUARDED_BY(mutex_) = false;  // the first message
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;  // the last message is queued
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lorikeet::rpc
