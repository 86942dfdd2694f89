#include "coordinator/http_port.h"

#include "common/build_info.h"
#include "common/logging.h"
#include "common/rpc/channel.h"
#include "common/rpc/token.h"

namespace lorikeet {

StatusOr<BothAccess> MakeAccess(const CoordinatorOptions& options, const std::string& own_token) {
  BothAccess both;
  ASSIGN_OR_RETURN(both.for_calls, rpc::Access::Create(own_token, TokensFile(options)));
  both.for_http = both.for_calls;
  // A token that stands in the clear counts on loopback alone.
  if (!options.http.empty() && !rpc::IsLoopback(options.http)) {
    ASSIGN_OR_RETURN(both.for_http, rpc::Access::Create("", TokensFile(options)));
  }
  return both;
}

Status CheckHttp(const CoordinatorOptions& options) {
  if (options.http.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(web::CheckHttpListen(options.http, options.tls));
  if (rpc::IsLoopback(options.http)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto access, rpc::Access::Create("", TokensFile(options)));
  if (access->Has(rpc::Role::kRead) || access->Has(rpc::Role::kClient)) return absl::OkStatus();
  return InvalidArgument(
      "--http {}: beyond loopback only with tokens that may read in {}: run deploy/make-token.sh read NAME "
      "--data {}; "
      "or --http off",
      options.http, TokensFile(options), options.data);
}

StatusOr<std::unique_ptr<web::HttpServer>> StartHttp(const CoordinatorOptions& options,
                                                     const BothAccess& access,
                                                     const std::shared_ptr<web::Metrics>& metrics,
                                                     const std::shared_ptr<web::Live>& live) {
  if (options.http.empty()) return nullptr;
  // Sessions are sealed with it, and so outlive a restart; without the file everybody logs in anew.
  ASSIGN_OR_RETURN(const std::string secret, rpc::ReadOrMakeToken(options.data + "/page-secret"));
  StatusOr<std::unique_ptr<web::HttpServer>> http =
      web::HttpServer::Start({.listen = options.http,
                              .tls = options.tls,
                              .access = access.for_http,
                              .metrics = [metrics] { return metrics->Text(); },
                              .since_last_turn = [metrics] { return metrics->SinceLastTurn(); },
                              .live = live,
                              .database_path = options.data + "/results.db",
                              .version = Version(),
                              .build = Build(),
                              .page_secret = secret});
  if (http.ok()) {
    LogInfo({{"http", (*http)->address()}}, "the page is at {}/, metrics at {}/metrics", (*http)->url(),
            (*http)->url());
    return http;
  }
  if (options.http_needed) return http;
  // Nobody asked for just this port: sweeps matter more.
  LogWarning({}, "no page and no metrics: {}; name another port by --http, or --http off",
             Message(http.status()));
  return nullptr;
}

}  // namespace lorikeet
