#include "common/rpc/token.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "common/config_folder.h"
#include "common/files.h"
#include "common/ids.h"
#include "common/rpc/channel.h"

namespace lorikeet::rpc {
namespace {

constexpr std::string_view kHeader = "authorization";
constexpr std::string_view kScheme = "Bearer ";

std::string EnvironmentOr(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

Status CheckOwnersAlone(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) {
    const auto code = errno == ENOENT ? absl::StatusCode::kNotFound : absl::StatusCode::kInternal;
    return MakeStatus(code, "{}: cannot read the token: {}", file, std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return InvalidArgument("{}: not a file with a token", file);
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return FailedPrecondition("{}: others than its owner may read this token (mode {:04o}); chmod 600 {}",
                              file, info.st_mode & 07777, file);
  }
  return absl::OkStatus();
}

StatusOr<std::string> DefaultTokenFile(const std::string& address) {
  const StatusOr<std::string> folder = ConfigFolder();
  if (!folder.ok()) return Annotate(folder.status(), fmt::format("no place for the token of {}", address));
  const bool by_name = address.rfind("localhost:", 0) == 0;
  const std::string name = by_name ? "127.0.0.1" + address.substr(std::strlen("localhost")) : address;
  return *folder + "/tokens/" + name;
}

StatusOr<std::string> ReadToken(const std::string& file) {
  RETURN_IF_ERROR(CheckOwnersAlone(file));
  ASSIGN_OR_RETURN(std::string token, ReadFile(file));
  token.erase(0, token.find_first_not_of(" \t\r\n"));
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (token.empty()) return InvalidArgument("{}: the token file is empty", file);
  if (std::any_of(token.begin(), token.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return InvalidArgument("{}: a token is one word of printable ASCII characters", file);
  }
  return token;
}

Status WriteToken(const std::string& file, const std::string& token) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::exists(folder, error)) {
    // Only a folder of our own making is closed to others.
    if (!std::filesystem::create_directories(folder, error) && error) {
      return Internal("{}: cannot make the folder: {}", folder.string(), error.message());
    }
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  return WriteFileAtomically(file, token + "\n", 0600);
}

StatusOr<std::string> ReadOrMakeToken(const std::string& file) {
  StatusOr<std::string> token = ReadToken(file);
  if (token.ok() || !absl::IsNotFound(token.status())) return token;
  RETURN_IF_ERROR(WriteToken(file, NewSecret()));
  return ReadToken(file);
}

StatusOr<std::string> FindToken(const std::string& flag, const std::string& address) {
  if (!flag.empty()) return ReadToken(flag);
  if (const std::string named = EnvironmentOr("LORIKEET_TOKEN_FILE", ""); !named.empty())
    return ReadToken(named);
  StatusOr<std::string> file = DefaultTokenFile(address);
  StatusOr<std::string> token = file.ok() ? ReadToken(*file) : file.status();
  if (token.ok()) return token;
  if (!absl::IsNotFound(token.status()) && file.ok()) return token;
  const std::string looked = file.ok() ? *file + " does not exist" : Message(file.status());
  if (IsLoopback(address)) {
    return Unavailable(
        "no token for the coordinator at {}: {}; a coordinator leaves it there when it starts, so is "
        "sweep-coordinator running? Else name a file by --token-file or LORIKEET_TOKEN_FILE",
        address, looked);
  }
  return NotFound(
      "no token for the coordinator at {}: name the file that holds it by --token-file or "
      "LORIKEET_TOKEN_FILE ({})",
      address, looked);
}

std::vector<std::string> PresentedTokens(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  std::vector<std::string> tokens;
  const auto [begin, end] = metadata.equal_range(grpc::string_ref(kHeader.data(), kHeader.size()));
  for (auto it = begin; it != end; ++it) {
    const std::string_view value(it->second.data(), it->second.size());
    if (value.substr(0, kScheme.size()) == kScheme) tokens.emplace_back(value.substr(kScheme.size()));
  }
  return tokens;
}

void Authorize(grpc::ClientContext& context, const std::string& token) {
  context.AddMetadata(std::string(kHeader), std::string(kScheme) + token);
}

}  // namespace lorikeet::rpc
