#include "worker/agent/data_roots.h"

#include <algorithm>
#include <system_error>

namespace lorikeet::agent {
namespace {

namespace fs = std::filesystem;

// By whole names: /data2 is not under /data. Both are free of symbolic links and dots.
bool IsUnder(const fs::path& path, const fs::path& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

}  // namespace

StatusOr<DataRoots> DataRoots::Create(const std::vector<std::string>& folders) {
  DataRoots roots;
  for (const std::string& folder : folders) {
    std::error_code error;
    fs::path resolved = fs::canonical(folder, error);
    if (error) return InvalidArgument("--data-root {}: {}", folder, error.message());
    if (!fs::is_directory(resolved, error)) return InvalidArgument("--data-root {}: not a folder", folder);
    roots.roots_.push_back(std::move(resolved));
  }
  return roots;
}

Status DataRoots::Check(const Trial& trial) const {
  if (everywhere()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckPath("model", trial.model));
  RETURN_IF_ERROR(CheckPath("data.train", trial.data.train));
  RETURN_IF_ERROR(CheckPath("data.validation", trial.data.validation));
  RETURN_IF_ERROR(CheckPath("data.test", trial.data.test));
  return CheckPath("adapter", StartAdapter(trial));
}

Status DataRoots::CheckPath(const char* key, const std::string& path) const {
  if (path.empty()) return absl::OkStatus();
  std::string allowed;
  for (const fs::path& root : roots_) allowed += (allowed.empty() ? "" : ", ") + root.string();
  if (!fs::path(path).is_absolute()) {
    return InvalidArgument("{}: {}: a relative path, where this worker reads only under {} (--data-root)",
                           key, path, allowed);
  }
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(path, error);
  if (error) return InvalidArgument("{}: {}: {}", key, path, error.message());
  for (const fs::path& root : roots_) {
    if (IsUnder(resolved, root)) return absl::OkStatus();
  }
  const std::string leads =
      resolved == fs::path(path) ? "" : fmt::format(" leads to {} and", resolved.string());
  return InvalidArgument("{}: {}{} lies outside of what this worker may read (--data-root): {}", key, path,
                         leads, allowed);
}

}  // namespace lorikeet::agent
