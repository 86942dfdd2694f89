// The workers' streams: decodes, calls the service, encodes. One reactor a stream; gRPC's callback API, no
// thread each.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "common/rpc/token.h"
#include "coordinator/rpc/worker_stream.h"
#include "coordinator/service/service.h"
#include "lorikeet/v1/worker.grpc.pb.h"

namespace lorikeet::rpc {

// Thread-safe. The service and the checker outlive it; it outlives the server's last stream.
class WorkerServiceHandler final : public v1::WorkerService::CallbackService {
 public:
  // `on_fatal` is called when the store fails: nothing more can be promised, and the process must end.
  WorkerServiceHandler(service::Service& service, const TokenChecker& tokens, std::string build,
                       std::function<void(const Status&)> on_fatal);

  WorkerReactor* Session(grpc::CallbackServerContext* context) override;

  // Ends every stream with Unavailable, so that workers come back for the next coordinator at once, and
  // refuses new ones. Does not wait for them.
  void EndStreams();

 private:
  service::Service& service_;
  const TokenChecker& tokens_;
  const std::string build_;
  const std::function<void(const Status&)> on_fatal_;
  OpenStreams open_;
};

}  // namespace lorikeet::rpc
