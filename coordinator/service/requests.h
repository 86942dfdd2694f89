// Clients' requests that are done once, however often they are asked: a client that lost the answer asks
// again.
//
// Not thread-safe: the service's.
#pragma once

#include <functional>
#include <string>

#include "coordinator/service/change.h"

namespace lorikeet::service {

class Requests {
 public:
  explicit Requests(Context& context) : context_(context) {}

  // As Service::Once. Inside a turn: what `work` changes and its answer are committed together.
  StatusOr<std::string> Once(const RequestKey& key, const std::function<StatusOr<std::string>()>& work);

 private:
  Context& context_;
};

}  // namespace lorikeet::service
