#include "sweeps/sweepctl/client.h"

#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <utility>

#include "common/files.h"
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
  bool tls = false;
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
    Status done = rpc::FromGrpc(status, "the coordinator at " + address);
    // A server that wants TLS hangs up on one that comes without.
    if (absl::IsUnavailable(done) && !tls && status.error_message().find("losed") != std::string::npos) {
      done = Unavailable("{}; if it listens with TLS, name its certificate by --tls-ca or LORIKEET_TLS_CA",
                         Message(done));
    }
    RETURN_IF_ERROR(done);
    return response;
  }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->address = Address(options.coordinator);
  std::string token_file = options.token_file;
  if (!options.data.empty()) {
    StatusOr<std::string> address = ReadFile(options.data + "/coordinator.address");
    if (!address.ok()) {
      return FailedPrecondition(
          "{0}: no `sweepctl run` is at work in this folder; `sweepctl table SWEEP --db {0}` reads its "
          "results",
          options.data);
    }
    impl->address = address->substr(0, address->find('\n'));
    if (token_file.empty()) token_file = options.data + "/token";
  }
  const std::string tls_ca = rpc::FindTlsCa(options.tls_ca);
  impl->tls = !tls_ca.empty();
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, rpc::OpenChannel(impl->address, tls_ca));
  ASSIGN_OR_RETURN(impl->token, rpc::FindToken(token_file, impl->address));
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
