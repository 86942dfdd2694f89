// What sweepctl asks: decodes, has the service's thread answer, encodes. Tables and sweep files, which may
// take long, are read by a thread of their own, so that nothing else waits for them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "coordinator/rpc/access.h"
#include "coordinator/rpc/background.h"
#include "coordinator/rpc/service_thread.h"
#include "coordinator/rpc/transfers.h"
#include "coordinator/service/observer.h"
#include "coordinator/service/service.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet::rpc {

// Thread-safe. The service, the checker, the observer (which may be null) and the list of open extracts
// outlive it. Tables and extracts are read from the database file over connections of their own.
class SweepServiceHandler final : public v1::SweepService::CallbackService {
 public:
  SweepServiceHandler(ServiceThread& service, const Access& access, service::Observer* observer,
                      std::string database_path, Transfers& extracts);

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
  grpc::ServerUnaryReactor* GetPlot(grpc::CallbackServerContext*, const v1::GetPlotRequest*,
                                    v1::GetPlotResponse*) override;
  grpc::ServerWriteReactor<v1::ExtractPiece>* Extract(grpc::CallbackServerContext*,
                                                      const v1::ExtractRequest*) override;
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext*, const v1::CancelRequest*,
                                   v1::CancelResponse*) override;
  grpc::ServerUnaryReactor* Pause(grpc::CallbackServerContext*, const v1::PauseRequest*,
                                  v1::PauseResponse*) override;
  grpc::ServerUnaryReactor* Resume(grpc::CallbackServerContext*, const v1::ResumeRequest*,
                                   v1::ResumeResponse*) override;
  grpc::ServerUnaryReactor* Retry(grpc::CallbackServerContext*, const v1::RetryRequest*,
                                  v1::RetryResponse*) override;
  grpc::ServerUnaryReactor* SetPriority(grpc::CallbackServerContext*, const v1::SetPriorityRequest*,
                                        v1::SetPriorityResponse*) override;
  grpc::ServerUnaryReactor* ImportRow(grpc::CallbackServerContext*, const v1::ImportRowRequest*,
                                      v1::ImportRowResponse*) override;
  grpc::ServerReadReactor<v1::PutScoresMessage>* PutScores(grpc::CallbackServerContext*,
                                                           v1::PutScoresResponse*) override;
  grpc::ServerUnaryReactor* PutBenchmarks(grpc::CallbackServerContext*, const v1::PutBenchmarksRequest*,
                                          v1::PutBenchmarksResponse*) override;
  grpc::ServerUnaryReactor* DrainWorker(grpc::CallbackServerContext*, const v1::DrainWorkerRequest*,
                                        v1::DrainWorkerResponse*) override;
  grpc::ServerUnaryReactor* ReadmitWorker(grpc::CallbackServerContext*, const v1::ReadmitWorkerRequest*,
                                          v1::ReadmitWorkerResponse*) override;
  grpc::ServerUnaryReactor* Prune(grpc::CallbackServerContext*, const v1::PruneRequest*,
                                  v1::PruneResponse*) override;
  grpc::ServerUnaryReactor* ListWorkers(grpc::CallbackServerContext*, const v1::ListWorkersRequest*,
                                        v1::ListWorkersResponse*) override;

 private:
  class ExtractReactor;
  class ScoresReactor;
  using Work = std::function<Status(service::Service&)>;

  // Each of these finishes the call, at once or later. Where its token is not right, with that: to look takes
  // a token that may read, to act a client's.
  grpc::ServerUnaryReactor* IfAllowed(grpc::CallbackServerContext* context, Role needed,
                                      const std::function<void(grpc::ServerUnaryReactor*)>& go_on);
  grpc::ServerUnaryReactor* Look(grpc::CallbackServerContext* context, Work work);
  // Once for the request's id.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Act(grpc::CallbackServerContext* context, const Request* request,
                                Response* response, Work work);
  void Ask(grpc::ServerUnaryReactor* reactor, service::Request::Kind kind, Work work);
  // Every call ends here.
  void Finish(grpc::ServerUnaryReactor* reactor, const Status& status) const;
  // `work` finishes the call itself.
  void InBackground(grpc::ServerUnaryReactor* reactor, std::function<void()> work);

  ServiceThread& service_;
  const Access& access_;
  service::Observer* const observer_;
  const std::string database_path_;
  Transfers& extracts_;
  std::atomic<std::int64_t> scores_coming_{0};  // bytes of uploads that have not been taken in
  Background background_;                       // goes first
};

}  // namespace lorikeet::rpc
