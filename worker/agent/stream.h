// One gRPC stream of Connection. Included by the connection's own files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "lorikeet/v1/worker.grpc.pb.h"
#include "worker/agent/connection.h"
#include "worker/agent/outbox.h"

namespace lorikeet::agent {

// Thread-safe: the owner's thread and gRPC's meet here. The owner destroys it, and only once it has ended:
// the last reference to a channel must not go on a thread of gRPC's own, which would wait for itself.
class Connection::Stream : public grpc::ClientBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage> {
 public:
  // `wake` is written to when Take has something new.
  static std::unique_ptr<Stream> Open(const std::shared_ptr<grpc::Channel>& channel, const std::string& token,
                                      int wake);

  void Send(const v1::WorkerMessage& message);
  bool Busy();
  // What has come since; reading pauses while much is left untaken.
  std::vector<v1::CoordinatorMessage> Take();
  // How the stream ended, once it has, and all that came has been taken.
  std::optional<grpc::Status> End();
  void Cancel();
  // Says that nothing more will be sent once the queue is empty.
  void FinishWrites();
  // Whether gRPC is done with it within `timeout`.
  bool WaitForEnd(Duration timeout);

 private:
  Stream(const std::shared_ptr<grpc::Channel>& channel, int wake);
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  bool BusyLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wake() const;

  const int wake_;
  grpc::ClientContext context_;
  const std::unique_ptr<v1::WorkerService::Stub> stub_;

  absl::Mutex mutex_;
  // While held, operations may be started from outside gRPC's callbacks, and OnDone does not come.
  bool held_ ABSL_GUARDED_BY(mutex_) = true;
  Outbox queue_ ABSL_GUARDED_BY(mutex_);
  v1::WorkerMessage writing_message_ ABSL_GUARDED_BY(mutex_);  // gRPC's until OnWriteDone
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finish_writes_ ABSL_GUARDED_BY(mutex_) = false;
  bool writes_finished_ ABSL_GUARDED_BY(mutex_) = false;
  v1::CoordinatorMessage reading_message_;  // gRPC's until OnReadDone
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<v1::CoordinatorMessage> inbox_ ABSL_GUARDED_BY(mutex_);
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet::agent
