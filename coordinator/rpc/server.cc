#include "coordinator/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/clock.h"
#include "common/ids.h"
#include "common/rpc/channel.h"
#include "coordinator/rpc/artifact_service.h"
#include "coordinator/rpc/limits.h"
#include "coordinator/rpc/open_streams.h"
#include "coordinator/rpc/service_thread.h"
#include "coordinator/rpc/sweep_service.h"
#include "coordinator/rpc/worker_service.h"

namespace lorikeet::rpc {
namespace {

// A stream is a socket: hundreds of hosts need more than the usual 1024.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // where it cannot be raised, the old limit serves small fleets
}

// gRPC only says that it could not: tries again to learn why.
std::string WhyNotListening(const std::string& address) {
  std::string host = HostOf(address);
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  const std::string port = address.substr(address.rfind(':') + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return gai_strerror(error);
  }
  std::string why = "gRPC refused its settings; are the certificate and the key a pair?";
  const int file = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
  const int on = 1;
  setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(file, found->ai_addr, found->ai_addrlen) != 0 || listen(file, 1) != 0) why = std::strerror(errno);
  if (file >= 0) close(file);
  freeaddrinfo(found);
  return why;
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, std::unique_ptr<ClientVerifier> clients, service::Service& service)
      : verifier(std::move(clients)),
        clock(*options.clock),
        uploads(clock, kMostUploads),
        downloads(clock, kMostDownloads),
        extracts(clock, kMostExtracts, kMostSilentExtract),
        streams({.hello = kHelloWithin, .word = options.lease * kMostSilentLeases}, *options.access),
        thread(service, clock, options.observer, std::move(options.on_fatal),
               [this] {
                 streams.Look(clock.Steady());
                 uploads.Look();
                 downloads.Look();
                 extracts.Look();
               }),
        sweeps(thread, *options.access, options.observer, std::move(options.database_path), extracts),
        workers(thread, streams, *options.access, verifier.get(), clock, options.observer,
                std::move(options.build)) {
    if (options.artifacts == nullptr) return;
    const auto worker = [this](const grpc::CallbackServerContext& context) {
      return workers.Allowed(context).status();
    };
    artifacts =
        std::make_unique<ArtifactServiceHandler>(thread, *options.artifacts, *options.access, worker, uploads,
                                                 downloads, SystemRandom(), options.most_artifact_bytes);
  }

  const std::unique_ptr<ClientVerifier> verifier;  // null: no certificate is asked for
  const Clock& clock;
  Transfers uploads, downloads, extracts;
  OpenStreams streams;
  ServiceThread thread;
  SweepServiceHandler sweeps;
  WorkerServiceHandler workers;
  std::unique_ptr<ArtifactServiceHandler> artifacts;  // null: none are taken
  std::string address;
  std::unique_ptr<grpc::Server> server;  // goes first: it calls the handlers
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

const std::string& Server::address() const { return impl_->address; }

StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, service::Service& service) {
  if (options.access == nullptr) return InvalidArgument("a coordinator needs a token, on loopback too");
  const std::string listen = options.listen;
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                   ListenCredentials(listen, options.tls));
  std::unique_ptr<ClientVerifier> verifier;
  if (!options.tls.ca.empty()) {
    ASSIGN_OR_RETURN(verifier, ClientVerifier::Create(options.tls.ca));
  }
  RaiseFileLimit();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  auto impl = std::make_unique<Impl>(std::move(options), std::move(verifier), service);
  grpc::ServerBuilder builder;
  SetServerLimits(builder);
  int port = 0;
  builder.AddListeningPort(listen, credentials, &port);
  builder.RegisterService(&impl->sweeps);
  builder.RegisterService(&impl->workers);
  if (impl->artifacts) builder.RegisterService(impl->artifacts.get());
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || port <= 0) {
    return FailedPrecondition("--listen {}: cannot listen there: {}", listen, WhyNotListening(listen));
  }
  impl->address = HostOf(listen) + ":" + std::to_string(port);
  for (const char* name : {v1::SweepService::service_full_name(), v1::WorkerService::service_full_name()}) {
    impl->server->GetHealthCheckService()->SetServingStatus(name, true);
  }
  if (impl->artifacts) {
    impl->server->GetHealthCheckService()->SetServingStatus(v1::ArtifactService::service_full_name(), true);
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::Look(std::function<Status(service::Service&)> work, std::function<void(const Status&)> done) {
  impl_->thread.Post(
      {.kind = service::Request::Kind::kLook, .work = std::move(work), .done = std::move(done)});
}

Server::~Server() { Shutdown(std::chrono::seconds(0)); }

void Server::Shutdown(Duration grace) {
  impl_->server->GetHealthCheckService()->Shutdown();
  impl_->streams.End(Unavailable("the coordinator is stopping"));
  impl_->server->Shutdown(std::chrono::system_clock::now() +
                          std::chrono::duration_cast<std::chrono::microseconds>(grace));
  impl_->server->Wait();
  impl_->thread.Stop();
}

}  // namespace lorikeet::rpc
