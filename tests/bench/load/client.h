// What sweepctl asks of a coordinator, one call at a time.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "common/status.h"
#include "lorikeet/v1/client.grpc.pb.h"

namespace lorikeet::load {

// Not thread-safe. A connection of its own. Calls wait ten minutes at most; statuses are the coordinator's.
class Client {
 public:
  static StatusOr<std::unique_ptr<Client>> Open(const std::string& address, const std::string& token);

  StatusOr<v1::SubmitResponse> Submit(const std::string& text);
  StatusOr<v1::SweepStatus> GetSweep(const std::string& sweep);
  // The table as text.
  StatusOr<std::string> GetTable(const std::string& sweep);

 private:
  Client(std::string address, std::string token, std::shared_ptr<grpc::Channel> channel);
  std::unique_ptr<grpc::ClientContext> Context() const;

  const std::string address_, token_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::SweepService::Stub> stub_;
};

}  // namespace lorikeet::load
