// The coordinator's port: the services for workers and clients, health and reflection; and the thread that
// calls the service.
//
// Health (grpc.health.v1) and reflection answer without a token: probes have none, and neither tells anything
// about sweeps.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/rpc/channel.h"
#include "common/status.h"
#include "coordinator/rpc/access.h"
#include "coordinator/rpc/artifact_folder.h"
#include "coordinator/service/service.h"

namespace lorikeet::rpc {

struct ServerOptions {
  std::string listen;  // ADDR:PORT; port 0: any that is free
  // With its own certificate or, on loopback only, without; with a CA, workers must show a certificate of
  // that CA.
  TlsFiles tls;
  const Access* access = nullptr;  // outlives the server
  std::string database_path;       // where tables are read
  std::string build;
  Duration lease = std::chrono::seconds(60);  // a worker that says nothing for three of them is cut off
  const Clock* clock = &RealClock();          // outlives the server
  service::Observer* observer = nullptr;      // outlives the server; null: nobody counts
  // Where files of trials are kept; null: none are taken. Outlives the server.
  ArtifactFolder* artifacts = nullptr;
  std::int64_t most_artifact_bytes = std::int64_t{1} << 30;  // of one
  // Called from a thread of the server's, once, when the store fails: nothing more can be promised, and the
  // process must end.
  std::function<void(const Status&)> on_fatal;
};

// Thread-safe. The service outlives it, and is called by nobody else meanwhile.
class Server {
 public:
  // Raises the process's limit of open files, and listens. InvalidArgument for a wrong address or bad PEM
  // files; FailedPrecondition, naming the address, where it cannot be had (a port in use).
  static StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, service::Service& service);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // ADDR:PORT with the port that was given or found.
  const std::string& address() const;
  // Has the service's thread answer what only looks: `work` is called inside a turn, then `done` with what it
  // answered. Never blocks. After Shutdown `done` is called from here, with Unavailable.
  void Look(std::function<Status(service::Service&)> work, std::function<void(const Status&)> done);
  // Takes no new calls, ends the workers' streams, gives running calls so long, then cancels them. Returns
  // when the service is not called any more. The first call counts.
  void Shutdown(Duration grace);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::rpc
