#include "tests/bench/load/client.h"

#include <chrono>
#include <utility>

#include "common/build_info.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_codes.h"
#include "common/rpc/token.h"

namespace lorikeet::load {
namespace {

constexpr auto kMostWait = std::chrono::minutes(10);

}  // namespace

Client::Client(std::string address, std::string token, std::shared_ptr<grpc::Channel> channel)
    : address_(std::move(address)),
      token_(std::move(token)),
      channel_(std::move(channel)),
      stub_(v1::SweepService::NewStub(channel_)) {}

StatusOr<std::unique_ptr<Client>> Client::Open(const std::string& address, const std::string& token) {
  ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, rpc::OpenChannel(address, {}));
  return std::unique_ptr<Client>(new Client(address, token, std::move(channel)));
}

std::unique_ptr<grpc::ClientContext> Client::Context() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kMostWait);
  rpc::Authorize(*context, token_);
  return context;
}

StatusOr<v1::SubmitResponse> Client::Submit(const std::string& text) {
  v1::SubmitRequest request;
  request.set_protocol_version(kProtocolVersion);
  request.set_text(text);
  request.set_file("/sweeps/load.yaml");
  v1::SubmitResponse response;
  RETURN_IF_ERROR(rpc::FromGrpc(stub_->Submit(Context().get(), request, &response), address_));
  return response;
}

StatusOr<v1::SweepStatus> Client::GetSweep(const std::string& sweep) {
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  v1::SweepStatus response;
  RETURN_IF_ERROR(rpc::FromGrpc(stub_->GetSweep(Context().get(), request, &response), address_));
  return response;
}

StatusOr<std::string> Client::GetTable(const std::string& sweep) {
  v1::GetTableRequest request;
  request.set_sweep(sweep);
  request.set_format("text");
  v1::GetTableResponse response;
  RETURN_IF_ERROR(rpc::FromGrpc(stub_->GetTable(Context().get(), request, &response), address_));
  return response.text();
}

}  // namespace lorikeet::load
