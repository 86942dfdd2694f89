// What a client's request is called, and what it asks: so that it is done once.
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <utility>

#include "coordinator/service/service.h"

namespace lorikeet::rpc {

// SHA-256 of the request's kind and fields, as hexadecimal digits. Two requests have the same where they ask
// the same.
std::string FingerprintOf(const google::protobuf::Message& request);

// Of a request with a request_id: that id, and the fingerprint of the rest.
template <typename Request>
service::RequestKey KeyOf(const Request& request) {
  if (request.request_id().empty()) return {};
  Request asked = request;
  asked.clear_request_id();
  return {.id = request.request_id(), .fingerprint = FingerprintOf(asked)};
}

// `work`, which fills the response; or the response that was given under that id already.
template <typename Response>
std::function<Status(service::Service&)> DoOnce(service::RequestKey key, Response* response,
                                                std::function<Status(service::Service&)> work) {
  if (key.id.empty()) return work;
  return [key = std::move(key), response, work = std::move(work)](service::Service& service) -> Status {
    ASSIGN_OR_RETURN(const std::string answer, service.Once(key, [&]() -> StatusOr<std::string> {
      RETURN_IF_ERROR(work(service));
      return response->SerializeAsString();
    }));
    if (response->ParseFromString(answer)) return absl::OkStatus();
    return Internal("the answer that was kept for request {} cannot be read", key.id);
  };
}

}  // namespace lorikeet::rpc
