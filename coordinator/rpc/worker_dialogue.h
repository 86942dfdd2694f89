// What one worker says on one stream, handed to the service message by message.
#pragma once

#include <cstdint>
#include <memory>

#include "common/status.h"
#include "coordinator/service/service.h"
#include "lorikeet/v1/worker.pb.h"

namespace lorikeet::rpc {

// Not thread-safe: a stream's messages come one after the other. The service outlives it.
class WorkerDialogue {
 public:
  // `connection` takes what the worker is told.
  WorkerDialogue(service::Service& service, std::shared_ptr<service::WorkerConnection> connection);

  // The first message is Hello, and only that. A status that is not OK ends the stream, an Internal one the
  // coordinator.
  Status Handle(const v1::WorkerMessage& message);
  // The stream is over.
  void Close();

 private:
  service::Service& service_;
  const std::shared_ptr<service::WorkerConnection> connection_;
  std::int64_t session_ = 0;
};

}  // namespace lorikeet::rpc
