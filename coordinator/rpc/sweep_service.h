// What sweepctl asks: decodes, calls the service, encodes.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "common/rpc/token.h"
#include "coordinator/service/service.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet::rpc {

// Thread-safe. The service and the checker outlive it. Tables are read from the database file over a
// connection of their own.
class SweepServiceHandler final : public v1::SweepService::CallbackService {
 public:
  // `on_fatal` is called when the store fails, as WorkerServiceHandler's.
  SweepServiceHandler(service::Service& service, const TokenChecker& tokens, std::string database_path,
                      std::function<void(const Status&)> on_fatal);

  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext*, const v1::SubmitRequest*,
                                   v1::SubmitResponse*) override;
  grpc::ServerUnaryReactor* ListSweeps(grpc::CallbackServerContext*, const v1::ListSweepsRequest*,
                                       v1::ListSweepsResponse*) override;
  grpc::ServerUnaryReactor* GetSweep(grpc::CallbackServerContext*, const v1::GetSweepRequest*,
                                     v1::SweepStatus*) override;
  grpc::ServerUnaryReactor* ListTrials(grpc::CallbackServerContext*, const v1::ListTrialsRequest*,
                                       v1::ListTrialsResponse*) override;
  grpc::ServerUnaryReactor* GetTrial(grpc::CallbackServerContext*, const v1::GetTrialRequest*,
                                     v1::TrialStatus*) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext*, const v1::ListEventsRequest*,
                                       v1::ListEventsResponse*) override;
  grpc::ServerUnaryReactor* GetTable(grpc::CallbackServerContext*, const v1::GetTableRequest*,
                                     v1::GetTableResponse*) override;
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext*, const v1::CancelRequest*,
                                   v1::CancelResponse*) override;
  grpc::ServerUnaryReactor* ListWorkers(grpc::CallbackServerContext*, const v1::ListWorkersRequest*,
                                        v1::ListWorkersResponse*) override;

 private:
  // Checks the token, does the work, finishes the call.
  template <typename Work>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, Work work);

  // Passes the outcome of a change on; a fault of the store's is everybody's end.
  template <typename T>
  StatusOr<T> Changed(StatusOr<T> outcome);

  service::Service& service_;
  const TokenChecker& tokens_;
  const std::string database_path_;
  const std::function<void(const Status&)> on_fatal_;
};

}  // namespace lorikeet::rpc
