// The one place that turns statuses into gRPC's and back. Stale lease: ABORTED; wrong state:
// FAILED_PRECONDITION; missing: NOT_FOUND.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "common/status.h"

namespace lorikeet::rpc {

// Messages travel in a header of limited size: one beyond 12 KiB is cut, and says so.
grpc::Status ToGrpc(const Status& status);
// gRPC's name of it: "UNAVAILABLE".
std::string CodeName(grpc::StatusCode code);
// `peer` ("coordinator 127.0.0.1:7070") is put before messages of gRPC's own making (no connection, deadline)
// and those about tokens. A deadline that passed is Unavailable: trying again later may work.
Status FromGrpc(const grpc::Status& status, const std::string& peer);

}  // namespace lorikeet::rpc
