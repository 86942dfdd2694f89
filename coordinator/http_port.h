// The coordinator's second port, as its flags want it: who may read there, and what becomes of it where it
// cannot be had.
#pragma once

#include <memory>
#include <string>

#include "common/status.h"
#include "coordinator/process.h"
#include "coordinator/rpc/access.h"
#include "coordinator/web/http_server.h"
#include "coordinator/web/metrics.h"

namespace lorikeet {

inline std::string TokensFile(const CoordinatorOptions& options) { return options.data + "/tokens"; }

// Whose tokens count on which port. Shared: an HTTP connection may outlive its server.
struct BothAccess {
  std::shared_ptr<rpc::Access> for_calls, for_http;
};
// `own_token` is a token of every role, or empty. Errors of Access::Create.
StatusOr<BothAccess> MakeAccess(const CoordinatorOptions& options, const std::string& own_token);

// What is wrong with the flags, before anything is opened: InvalidArgument beyond loopback without TLS or
// without a token that may read.
Status CheckHttp(const CoordinatorOptions& options);

// Null where there is none: --http off, or a port that nobody asked for and that is taken, which the log
// says. Errors of HttpServer::Start where it was asked for.
// `live` is what the page asks how things stand.
StatusOr<std::unique_ptr<web::HttpServer>> StartHttp(const CoordinatorOptions& options,
                                                     const BothAccess& access,
                                                     const std::shared_ptr<web::Metrics>& metrics,
                                                     const std::shared_ptr<web::Live>& live);

}  // namespace lorikeet
