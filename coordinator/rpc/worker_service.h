// The workers' streams: decodes, calls the service, encodes. One reactor a stream; gRPC's callback API, no
// thread each.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "common/rpc/certificates.h"
#include "coordinator/rpc/access.h"
#include "coordinator/rpc/open_streams.h"
#include "coordinator/rpc/service_thread.h"
#include "coordinator/rpc/worker_stream.h"
#include "lorikeet/v1/worker.grpc.pb.h"

namespace lorikeet::rpc {

// Thread-safe. `verifier` is null where workers need no certificate. What it is made of outlives it; it
// outlives the server's last stream.
class WorkerServiceHandler final : public v1::WorkerService::CallbackService {
 public:
  WorkerServiceHandler(ServiceThread& service, OpenStreams& open, const Access& access,
                       const ClientVerifier* verifier, const Clock& clock, service::Observer* observer,
                       std::string build);

  WorkerReactor* Session(grpc::CallbackServerContext* context) override;
  // Whether a call may do what a worker does: its token's hash where it, and the certificate, are right.
  StatusOr<TokenHash> Allowed(const grpc::CallbackServerContext& context) const;

 private:
  ServiceThread& service_;
  OpenStreams& open_;
  const Access& access_;
  const ClientVerifier* const verifier_;
  const Clock& clock_;
  service::Observer* const observer_;  // may be null
  const std::string build_;
};

}  // namespace lorikeet::rpc
