// Connections between the programs: TLS beyond loopback, plain on it; keepalive and capped reconnects.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "common/status.h"

namespace lorikeet::rpc {

// Of one message, both ways: whole articles travel in event batches.
inline constexpr int kMostMessageBytes = 64 << 20;

// Whether ADDR:PORT names this host's loopback (127.0.0.0/8, [::1], localhost).
bool IsLoopback(const std::string& address);
// Refuses what is not ADDR:PORT with a port of 0 to 65535, saying what would be right.
Status CheckAddress(const std::string& address);
// "127.0.0.1" of "127.0.0.1:7070", "[::1]" of "[::1]:7070". Needs an address that CheckAddress takes.
std::string HostOf(const std::string& address);

// For clients: `flag`, else $LORIKEET_TLS_CA, else empty.
std::string FindTlsCa(const std::string& flag);

// A channel to a coordinator. `tls_ca`: a PEM file of certificates to trust; empty: no TLS, which is refused
// beyond loopback. Reconnects wait 5 s at most; connects lazily.
StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const std::string& tls_ca);

// What a server listens with: both PEM files, or neither, which is refused beyond loopback.
StatusOr<std::shared_ptr<grpc::ServerCredentials>> ListenCredentials(const std::string& address,
                                                                     const std::string& tls_certificate,
                                                                     const std::string& tls_key);
// The server's side of what OpenChannel sets: message size, keepalive; an address belongs to one server.
void SetServerLimits(grpc::ServerBuilder& builder);

// gRPC writes to the process's log, at debug level, instead of to standard error in its own format. For main.
void RouteGrpcLog();

}  // namespace lorikeet::rpc
