// What one worker says on one stream, as requests to the service.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/status.h"
#include "coordinator/service/observer.h"
#include "coordinator/service/service.h"
#include "lorikeet/v1/worker.pb.h"

namespace lorikeet::rpc {

// Not thread-safe: a stream's messages come one after the other. What it returns is called by the service's
// thread, in the order in which it was returned, and may outlive the dialogue.
class WorkerDialogue {
 public:
  using Work = std::function<Status(service::Service&)>;

  // `connection` takes what the worker is told; `observer` may be null, and outlives the dialogue.
  explicit WorkerDialogue(std::shared_ptr<service::WorkerConnection> connection,
                          service::Observer* observer = nullptr);

  // What the message asks. An error, here or of the work, ends the stream. The first message is Hello, and
  // only that. What is over a limit (limits.h) is an error too; but where it is what one attempt says, that
  // attempt fails, and its neighbours go on.
  StatusOr<Work> Decode(const v1::WorkerMessage& message);
  // The stream is over.
  Work Close() const;

 private:
  StatusOr<Work> DecodeKnown(const v1::WorkerMessage& message);
  StatusOr<Work> DecodeEvents(const v1::EventBatch& batch) const;
  StatusOr<Work> DecodeProgress(const v1::Progress& progress) const;
  Work Unreadable(const char* message, const service::Lease& lease, const Status& why) const;

  const std::shared_ptr<service::WorkerConnection> connection_;
  const std::shared_ptr<std::int64_t> session_;  // the service's thread's; 0: none yet
  service::Observer* const observer_;
  bool greeted_ = false;
};

}  // namespace lorikeet::rpc
