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

#include "common/rpc/channel.h"
#include "common/rpc/token.h"
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
  Impl(ServerOptions options, service::Service& service)
      : tokens(std::move(options.token)),
        sweeps(service, tokens, std::move(options.database_path), options.on_fatal),
        workers(service, tokens, std::move(options.build), options.on_fatal) {}

  const TokenChecker tokens;
  SweepServiceHandler sweeps;
  WorkerServiceHandler workers;
  std::string address;
  std::unique_ptr<grpc::Server> server;  // goes first: it calls the handlers
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

const std::string& Server::address() const { return impl_->address; }

StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, service::Service& service) {
  if (options.token.empty()) return InvalidArgument("a coordinator needs a token, on loopback too");
  const std::string listen = options.listen;
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                   ListenCredentials(listen, options.tls_certificate, options.tls_key));
  RaiseFileLimit();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  auto impl = std::make_unique<Impl>(std::move(options), service);
  grpc::ServerBuilder builder;
  SetServerLimits(builder);
  int port = 0;
  builder.AddListeningPort(listen, credentials, &port);
  builder.RegisterService(&impl->sweeps);
  builder.RegisterService(&impl->workers);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || port <= 0) {
    return FailedPrecondition("--listen {}: cannot listen there: {}", listen, WhyNotListening(listen));
  }
  impl->address = HostOf(listen) + ":" + std::to_string(port);
  for (const char* name : {v1::SweepService::service_full_name(), v1::WorkerService::service_full_name()}) {
    impl->server->GetHealthCheckService()->SetServingStatus(name, true);
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() { Shutdown(std::chrono::seconds(0)); }

void Server::Shutdown(Duration grace) {
  impl_->server->GetHealthCheckService()->Shutdown();
  impl_->workers.EndStreams();
  impl_->server->Shutdown(std::chrono::system_clock::now() +
                          std::chrono::duration_cast<std::chrono::microseconds>(grace));
  impl_->server->Wait();
}

}  // namespace lorikeet::rpc
