#include "coordinator/rpc/access.h"

#include <sys/stat.h>

#include <utility>

#include "common/rpc/token.h"

namespace lorikeet::rpc {
namespace {

constexpr const char* kWhere =
    "tools take it from --token-file, LORIKEET_TOKEN_FILE or $XDG_CONFIG_HOME/lorikeet/tokens/ADDR:PORT";

const char* Wanted(Role needed) {
  switch (needed) {
    case Role::kRead:
      return "a client's or a read token";
    case Role::kClient:
      return "a client's token";
    case Role::kWorker:
      return "a worker's token";
  }
  return "another token";
}

}  // namespace

StatusOr<std::unique_ptr<Access>> Access::Create(const std::string& own, const std::string& file) {
  std::unique_ptr<Access> access(new Access(own, file));
  const Status read = access->Reload().status();
  if (!read.ok() && !absl::IsNotFound(read)) return read;
  return access;
}

Access::Access(const std::string& own, std::string file)
    : own_(own.empty() ? std::nullopt : std::optional(HashOfToken(own))), file_(std::move(file)) {}

StatusOr<TokenHash> Access::Check(const Metadata& metadata, Role needed) const {
  return Check(PresentedTokens(metadata), needed);
}

StatusOr<TokenHash> Access::Check(const std::vector<std::string>& presented, Role needed) const {
  if (presented.empty())
    return absl::UnauthenticatedError(std::string("the call carries no token; ") + kWhere);
  std::string known;  // a role and a name that do not reach
  absl::MutexLock lock(&mutex_);
  for (const std::string& token : presented) {
    const TokenHash hash = HashOfToken(token);
    // All of them are looked at, whichever it is.
    bool allowed = own_ && SameHash(*own_, hash);
    for (const TokenEntry& entry : entries_) {
      if (!SameHash(entry.hash, hash)) continue;
      allowed = allowed || Grants(entry.role, needed);
      known = Name(entry.role) + " " + entry.name;
    }
    if (allowed) return hash;
  }
  if (known.empty())
    return absl::UnauthenticatedError(std::string("the token is not this coordinator's; ") + kWhere);
  return MakeStatus(absl::StatusCode::kPermissionDenied,
                    "the token is that of '{}', and this needs {}; deploy/make-token.sh makes one", known,
                    Wanted(needed));
}

bool Access::Allows(const TokenHash& token, Role needed) const {
  absl::MutexLock lock(&mutex_);
  bool allowed = own_ && SameHash(*own_, token);
  for (const TokenEntry& entry : entries_) {
    if (SameHash(entry.hash, token)) allowed = allowed || Grants(entry.role, needed);
  }
  return allowed;
}

bool Access::Has(Role role) const {
  absl::MutexLock lock(&mutex_);
  for (const TokenEntry& entry : entries_) {
    if (entry.role == role) return true;
  }
  return false;
}

StatusOr<std::optional<std::size_t>> Access::Reload() {
  if (file_.empty()) return std::nullopt;
  absl::MutexLock reload(&reload_mutex_);
  // First: what changes while it is read is read again.
  Identity identity = Look();
  if (identity == seen_) return std::nullopt;
  StatusOr<std::vector<TokenEntry>> read = ReadTokens(file_);
  // What cannot be read now, for want of a descriptor, say, is tried again: somebody may have been shut out
  // in it. What is wrong in it is said once.
  if (absl::IsInternal(read.status())) return read.status();
  seen_ = std::move(identity);
  ASSIGN_OR_RETURN(std::vector<TokenEntry> entries, std::move(read));
  absl::MutexLock lock(&mutex_);
  entries_ = std::move(entries);
  ++version_;
  return entries_.size();
}

std::int64_t Access::version() const {
  absl::MutexLock lock(&mutex_);
  return version_;
}

Access::Identity Access::Look() const {
  struct stat info {};
  if (stat(file_.c_str(), &info) != 0) return {-1};
  const auto nanoseconds = [](const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
  return {static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino), info.st_size,
          nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

}  // namespace lorikeet::rpc
