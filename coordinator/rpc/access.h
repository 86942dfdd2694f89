// Who may call what: the tokens by role, read again when their file changes.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "coordinator/rpc/tokens_file.h"

namespace lorikeet::rpc {

// Thread-safe; compares in constant time.
class Access {
 public:
  using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

  // `own` is a token of every role, or empty. `file` may be missing, or be empty: no file. Errors of
  // ReadTokens.
  static StatusOr<std::unique_ptr<Access>> Create(const std::string& own, const std::string& file);

  // The hash of the call's token, where it may do what needs `needed`. Unauthenticated where it is missing or
  // unknown, which says where tools look for it; PermissionDenied where its role does not reach, which says
  // which one would.
  StatusOr<TokenHash> Check(const Metadata& metadata, Role needed) const;
  // The same for what has other headers: `presented` are the tokens that came.
  StatusOr<TokenHash> Check(const std::vector<std::string>& presented, Role needed) const;
  // Whether a token that was allowed once still is.
  bool Allows(const TokenHash& token, Role needed) const;
  // Whether there is a token of just this role.
  bool Has(Role role) const;

  // Reads the file again where it has changed; how many tokens it has then. A file that cannot be read, or is
  // gone, changes nothing: what was allowed stays so, and the error comes once a change.
  StatusOr<std::optional<std::size_t>> Reload();
  // Grows with every change that was taken.
  std::int64_t version() const;

 private:
  // Device, inode, size and times: changes when the file does.
  using Identity = std::vector<std::int64_t>;

  Access(const std::string& own, std::string file);
  Identity Look() const;

  const std::optional<TokenHash> own_;
  const std::string file_;
  mutable absl::Mutex mutex_;
  std::vector<TokenEntry> entries_ ABSL_GUARDED_BY(mutex_);
  std::int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Mutex reload_mutex_;
  Identity seen_ ABSL_GUARDED_BY(reload_mutex_);
};

}  // namespace lorikeet::rpc
