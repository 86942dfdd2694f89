// What a client's request is called, and what it asks: so that it is done once.
#pragma once

#include <google/protobuf/message.h>

#include <string>

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

}  // namespace lorikeet::rpc
