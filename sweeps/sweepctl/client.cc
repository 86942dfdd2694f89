#include "sweeps/sweepctl/client.h"

#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <utility>

#include "common/rpc/channel.h"
#include "common/rpc/status_codes.h"
#include "common/rpc/token.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet::sweepctl {
namespace {

constexpr auto kLookWithin = std::chrono::seconds(10);
// Storing a large sweep, and reading a table over many predictions, take their time.
constexpr auto kWorkWithin = std::chrono::seconds(120);

std::string Address(const std::string& flag) {
  if (!flag.empty()) return flag;
  const char* value = std::getenv("LORIKEET_COORDINATOR");
  return value != nullptr && *value != '\0' ? value : "127.0.0.1:7070";
}

}  // namespace

struct Client::Impl {
  std::string address, token;
  std::unique_ptr<v1::SweepService::Stub> stub;

  template <typename Request, typename Response>
  using Method = grpc::Status (v1::SweepService::Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Request, typename Response>
  StatusOr<Response> Call(Method<Request, Response> method, const Request& request,
                          std::chrono::seconds within = kLookWithin) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + within);
    rpc::Authorize(context, token);
    Response response;
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    RETURN_IF_ERROR(rpc::FromGrpc(status, "the coordinator at " + address));
    return response;
  }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->address = Address(options.coordinator);
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                   rpc::OpenChannel(impl->address, options.tls_ca));
  ASSIGN_OR_RETURN(impl->token, rpc::FindToken(options.token_file, impl->address));
  impl->stub = v1::SweepService::NewStub(channel);
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

StatusOr<v1::SubmitResponse> Client::Submit(const v1::SubmitRequest& request) {
  return impl_->Call(&v1::SweepService::Stub::Submit, request, kWorkWithin);
}

StatusOr<v1::ListSweepsResponse> Client::ListSweeps() {
  return impl_->Call(&v1::SweepService::Stub::ListSweeps, v1::ListSweepsRequest());
}

StatusOr<v1::SweepStatus> Client::GetSweep(const std::string& sweep) {
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  return impl_->Call(&v1::SweepService::Stub::GetSweep, request);
}

StatusOr<v1::ListTrialsResponse> Client::ListTrials(const std::string& sweep) {
  v1::ListTrialsRequest request;
  request.set_sweep(sweep);
  return impl_->Call(&v1::SweepService::Stub::ListTrials, request, kWorkWithin);
}

StatusOr<v1::TrialStatus> Client::GetTrial(const std::string& trial) {
  v1::GetTrialRequest request;
  request.set_trial(trial);
  return impl_->Call(&v1::SweepService::Stub::GetTrial, request);
}

StatusOr<v1::ListEventsResponse> Client::ListEvents(const v1::ListEventsRequest& request) {
  return impl_->Call(&v1::SweepService::Stub::ListEvents, request);
}

StatusOr<v1::GetTableResponse> Client::GetTable(const v1::GetTableRequest& request) {
  return impl_->Call(&v1::SweepService::Stub::GetTable, request, kWorkWithin);
}

StatusOr<v1::CancelResponse> Client::Cancel(const v1::CancelRequest& request) {
  return impl_->Call(&v1::SweepService::Stub::Cancel, request, kWorkWithin);
}

StatusOr<v1::ListWorkersResponse> Client::ListWorkers() {
  return impl_->Call(&v1::SweepService::Stub::ListWorkers, v1::ListWorkersRequest());
}

const std::string& Client::address() const { return impl_->address; }

}  // namespace lorikeet::sweepctl
