// The coordinator's HTTP port: the page, GET /metrics for Prometheus and GET /healthz for probes.
//
// Read-only. /metrics and whatever the page shows need a token that may read, on loopback too: login nodes
// are shared. /healthz needs none, and tells nothing but whether the service goes on. Beyond loopback it
// speaks TLS alone.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/rpc/channel.h"
#include "common/status.h"
#include "coordinator/rpc/access.h"
#include "coordinator/web/api/api.h"

namespace lorikeet::web {

// Beyond this a coordinator is called unwell: its turns take milliseconds, or the time of a sync.
inline constexpr std::chrono::seconds kUnwellAfter{30};
// A page that is kept open holds a thread for its stream of changes; all other connections are short.
inline constexpr std::size_t kShortThreads = 8, kMostWaiting = 16;
inline constexpr std::size_t kThreads = kShortThreads + Changes::kMostListeners;
inline constexpr std::chrono::seconds kReadWithin{2}, kWriteWithin{5};
// Connections that the kernel holds before they are taken. A page asks for a dozen files at once; a
// connection for which there was no room is tried again after a second, then two, four, …
inline constexpr int kKernelQueue = 128;
// A peer that acknowledges nothing for so long is gone.
inline constexpr std::chrono::seconds kAcknowledgesWithin{20};

struct HttpOptions {
  std::string listen;  // ADDR:PORT; port 0: any that is free
  rpc::TlsFiles tls;   // its own certificate, beyond loopback
  // Whose tokens count. Shared: a connection that does not end may outlive the server.
  std::shared_ptr<const rpc::Access> access;
  std::function<std::string()> metrics;                      // the text of a scrape
  std::function<std::optional<Duration>()> since_last_turn;  // of the service
  // What the page shows. Closed by the server's end. Null: there is no page.
  std::shared_ptr<Live> live = nullptr;
  std::string database_path = {}, version = {}, build = {};
  std::string page_secret = {};  // that sessions are sealed with
};

// What `listen` needs, looked at before anything is opened. InvalidArgument for an address that is none, and
// beyond loopback without a certificate and its key.
Status CheckHttpListen(const std::string& listen, const rpc::TlsFiles& tls);

class HttpServer {
 public:
  // Errors of CheckHttpListen; FailedPrecondition, naming the address, where it cannot be had.
  static StatusOr<std::unique_ptr<HttpServer>> Start(const HttpOptions& options);
  // Waits for answers under way, for some seconds at the most.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // ADDR:PORT with the port that was given or found.
  const std::string& address() const;
  // "http://127.0.0.1:7071"
  std::string url() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::web
