// Connections between the programs: TLS beyond loopback, plain on it; keepalive and capped reconnects.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "common/rpc/certificates.h"
#include "common/status.h"

namespace lorikeet::rpc {

// Of one message to a coordinator. The largest of ours is a batch with one event of 17 MiB, which holds a
// whole article; what is a little over that still arrives, so that its attempt can be told.
inline constexpr int kMostRequestBytes = 20 << 20;
// Of one answer: a list of 100,000 trials.
inline constexpr int kMostResponseBytes = 64 << 20;

// Whether ADDR:PORT names this host's loopback (127.0.0.0/8, [::1], localhost).
bool IsLoopback(const std::string& address);
// Refuses what is not ADDR:PORT with a port of 0 to 65535, saying what would be right.
Status CheckAddress(const std::string& address);
// "127.0.0.1" of "127.0.0.1:7070", "[::1]" of "[::1]:7070". Needs an address that CheckAddress takes.
std::string HostOf(const std::string& address);

// For clients: `flag`, else $LORIKEET_TLS_CA, else empty.
std::string FindTlsCa(const std::string& flag);

// PEM files of a program; empty: none.
struct TlsFiles {
  std::string certificate, key;  // both or neither: its own
  // Of a client: the certificates that it trusts. Of a server: those that have signed the certificates of its
  // clients; with them it asks each client for one, takes those that have none, and leaves it to
  // ClientVerifier to look.
  std::string ca;
};

// A channel to a coordinator. Without a CA there is no TLS, which is refused beyond loopback. Reconnects wait
// 5 s at most; connects lazily.
StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const TlsFiles& tls);

// What a server listens with. Without a certificate there is no TLS, which is refused beyond loopback.
StatusOr<std::shared_ptr<grpc::ServerCredentials>> ListenCredentials(const std::string& address,
                                                                     const TlsFiles& tls);
// The server's side of what OpenChannel sets: message size, keepalive; an address belongs to one server.
void SetServerLimits(grpc::ServerBuilder& builder);

// gRPC writes to the process's log, at debug level, instead of to standard error in its own format, and its
// locks are not searched for cycles in a release build. For main, before anything else of gRPC's.
void PrepareGrpc();

}  // namespace lorikeet::rpc
