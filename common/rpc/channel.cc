#include "common/rpc/channel.h"

#include <arpa/inet.h>
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <cstdlib>
#include <optional>

#include "absl/synchronization/mutex.h"
#include "common/clock.h"

namespace lorikeet::rpc {
namespace {

constexpr int kMostReconnectMilliseconds = 5'000;
// Pings go both ways while a call is open: a peer that does not answer within the timeout is gone, and the
// connection with it. The coordinator takes them twice as often as ours come, and hangs up on who sends more
// (gRPC's doc/keepalive.md).
constexpr int kKeepaliveMilliseconds = 20'000;
constexpr int kKeepaliveTimeoutMilliseconds = 10'000;
constexpr int kMostMetadataBytes = 64 << 10;  // error messages travel there
// A peer that does not finish its handshake holds a socket for so long; gRPC's own default is two minutes.
constexpr int kHandshakeMilliseconds = 20'000;
// A client's connection with no call on it. One that comes back later connects again, and does not notice.
constexpr int kIdleMilliseconds = 300'000;
// Calls at a time on one connection: a worker has one, sweepctl one or two. More wait at the client.
constexpr int kMostStreams = 128;

// Both or neither.
StatusOr<std::optional<CertificatePair>> OwnPair(const TlsFiles& tls) {
  if (tls.certificate.empty() != tls.key.empty()) {
    return InvalidArgument("--tls-certificate and --tls-key go together: {} is missing",
                           tls.key.empty() ? "--tls-key" : "--tls-certificate");
  }
  if (tls.certificate.empty()) return std::nullopt;
  return ReadPair(tls.certificate, tls.key, RealClock().Wall());
}

}  // namespace

Status CheckAddress(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  bool good = colon != std::string::npos && !host.empty() &&
              (bracketed || host.find_first_of(":[]/ ") == std::string::npos);
  if (good) {
    const char* begin = address.data() + colon + 1;
    const char* end = address.data() + address.size();
    int port = -1;
    const auto [last, error] = std::from_chars(begin, end, port);
    good = error == std::errc() && last == end && port >= 0 && port <= 65535;
  }
  if (good) return absl::OkStatus();
  return InvalidArgument("'{}' is not ADDR:PORT; for example 127.0.0.1:7070, [::1]:7070 or gpu-host:7070",
                         address);
}

std::string HostOf(const std::string& address) { return address.substr(0, address.rfind(':')); }

bool IsLoopback(const std::string& address) {
  if (!CheckAddress(address).ok()) return false;
  const std::string host = HostOf(address);
  if (host == "localhost") return true;
  // Only literal addresses: a name such as 127.example.org is whatever its owner says.
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return host.front() == '[' && inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6) == 1 &&
         IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string FindTlsCa(const std::string& flag) {
  const char* const named = std::getenv("LORIKEET_TLS_CA");
  return flag.empty() && named != nullptr ? named : flag;
}

StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const TlsFiles& tls) {
  RETURN_IF_ERROR(CheckAddress(address));
  ASSIGN_OR_RETURN(const std::optional<CertificatePair> own, OwnPair(tls));
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (!tls.ca.empty()) {
    grpc::SslCredentialsOptions options;
    ASSIGN_OR_RETURN(options.pem_root_certs, ReadCertificates(tls.ca));
    if (own) {
      options.pem_cert_chain = own->certificate;
      options.pem_private_key = own->key;
    }
    credentials = grpc::SslCredentials(options);
  } else if (own) {
    return InvalidArgument("--tls-certificate is shown over TLS alone: --tls-ca FILE is missing");
  } else if (IsLoopback(address)) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    return InvalidArgument(
        "{}: beyond loopback only with TLS: --tls-ca FILE (or LORIKEET_TLS_CA) with the certificates to "
        "trust",
        address);
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMostReconnectMilliseconds);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                   kMostReconnectMilliseconds);  // how long one try may take
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMostMetadataBytes);
  // Two channels to one address share no connection, so neither inherits the other's wait.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A site's http_proxy is not for this host.
  if (IsLoopback(address)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMostResponseBytes);
  arguments.SetMaxSendMessageSize(kMostRequestBytes);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

StatusOr<std::shared_ptr<grpc::ServerCredentials>> ListenCredentials(const std::string& address,
                                                                     const TlsFiles& tls) {
  RETURN_IF_ERROR(CheckAddress(address));
  ASSIGN_OR_RETURN(const std::optional<CertificatePair> own, OwnPair(tls));
  if (!own) {
    if (!tls.ca.empty())
      return InvalidArgument("--tls-client-ca needs TLS: --tls-certificate FILE --tls-key FILE");
    if (IsLoopback(address)) return grpc::InsecureServerCredentials();
    return InvalidArgument("{}: beyond loopback only with TLS: --tls-certificate FILE --tls-key FILE",
                           address);
  }
  // Looked at by ours, which can say what is wrong: TLS would only hang up. sweepctl has none, and need not.
  grpc::SslServerCredentialsOptions options(tls.ca.empty()
                                                ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.pem_key_cert_pairs.push_back({own->key, own->certificate});
  // Names in the request which certificates will do.
  if (!tls.ca.empty()) {
    ASSIGN_OR_RETURN(options.pem_root_certs, ReadCertificates(tls.ca));
  }
  return grpc::SslServerCredentials(options);
}

void SetServerLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMostRequestBytes);
  builder.SetMaxSendMessageSize(kMostResponseBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMostMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kKeepaliveMilliseconds / 2);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostStreams);
  // gRPC's default would let a second coordinator share the port in silence.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

void PrepareGrpc() {
#ifdef NDEBUG
  // Debian's Abseil, built without NDEBUG, looks for cycles of locks at every lock that gRPC takes.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  gpr_set_log_function([](gpr_log_func_args* args) { spdlog::debug("grpc: {}", args->message); });
}

}  // namespace lorikeet::rpc
