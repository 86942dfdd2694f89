#include "common/rpc/status_codes.h"

namespace lorikeet::rpc {
namespace {

constexpr std::size_t kMostMessageBytes = 12 << 10;

// At most so many bytes, never half a character of UTF-8.
std::string Cut(const std::string& text) {
  if (text.size() <= kMostMessageBytes) return text;
  std::size_t end = kMostMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "\n… (cut)";
}

// TLS's words, in gRPC's, for a server's certificate that our side refuses: OpenSSL's, then gRPC's own on
// names.
bool IsDistrust(const std::string& message) {
  const auto says = [&](const char* words) { return message.find(words) != std::string::npos; };
  return says("certificate verify failed") || says("CERTIFICATE_VERIFY_FAILED") ||
         says("is not in peer certificate") || says("Hostname Verification Check failed");
}

}  // namespace

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // Both number the same canonical codes alike.
  return {static_cast<grpc::StatusCode>(status.code()), Cut(Message(status))};
}

std::string CodeName(grpc::StatusCode code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

Status FromGrpc(const grpc::Status& status, const std::string& peer) {
  if (status.ok()) return absl::OkStatus();
  const std::string& message = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      if (IsDistrust(message)) {
        return Unavailable(
            "{} does not answer: its certificate is not trusted. It is signed by none of --tls-ca's, is of "
            "another "
            "name than this address, or has expired ({})",
            peer, message);
      }
      return Unavailable("{} does not answer: {}", peer, message);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Unavailable("{} does not answer in time: {}", peer, message);
    case grpc::StatusCode::UNIMPLEMENTED:
      return FailedPrecondition("{} does not know this call; is it of an older build? {}", peer, message);
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNAUTHENTICATED:
      return {static_cast<absl::StatusCode>(status.error_code()), fmt::format("{}: {}", peer, message)};
    default:
      return {static_cast<absl::StatusCode>(status.error_code()), message};
  }
}

}  // namespace lorikeet::rpc
