// The coordinator's port: the services for workers and clients, health and reflection.
//
// Health (grpc.health.v1) and reflection answer without a token: probes have none, and neither tells anything
// about sweeps.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/status.h"
#include "coordinator/service/service.h"

namespace lorikeet::rpc {

struct ServerOptions {
  std::string listen;                    // ADDR:PORT; port 0: any that is free
  std::string tls_certificate, tls_key;  // PEM files; both or, on loopback only, neither
  std::string token;
  std::string database_path;  // where tables are read
  std::string build;
  // Called from any thread when the store fails: nothing more can be promised, and the process must end.
  std::function<void(const Status&)> on_fatal;
};

// Thread-safe. The service outlives it.
class Server {
 public:
  // Raises the process's limit of open files, and listens. InvalidArgument for a wrong address, bad PEM files
  // or an empty token; FailedPrecondition, naming the address, where it cannot be had (a port in use).
  static StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, service::Service& service);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // ADDR:PORT with the port that was given or found.
  const std::string& address() const;
  // Takes no new calls, ends the workers' streams, gives running calls so long, then cancels them. Returns
  // when the service is not called any more. The first call counts.
  void Shutdown(Duration grace);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::rpc
