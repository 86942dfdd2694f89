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

// As it is without symbolic links, those too that lead to nothing yet, which weakly_canonical leaves.
fs::path Resolve(const fs::path& path, std::error_code& error) {
  constexpr int kMostLinks = 40;
  fs::path resolved = fs::weakly_canonical(path, error);
  for (int links = 0; !error && links < kMostLinks; ++links) {
    std::error_code missing;
    if (!fs::is_symlink(fs::symlink_status(resolved, missing))) return resolved;
    const fs::path target = fs::read_symlink(resolved, error);
    if (!error) resolved = fs::weakly_canonical(resolved.parent_path() / target, error);
  }
  if (!error) error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
  return resolved;
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

bool DataRoots::Contain(const fs::path& resolved) const {
  return std::any_of(roots_.begin(), roots_.end(),
                     [&](const fs::path& root) { return IsUnder(resolved, root); });
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
  const fs::path resolved = Resolve(path, error);
  if (error) return InvalidArgument("{}: {}: {}", key, path, error.message());
  if (Contain(resolved)) return CheckLinks(key, resolved);
  const std::string leads =
      resolved == fs::path(path) ? "" : fmt::format(" leads to {} and", resolved.string());
  return InvalidArgument("{}: {}{} lies outside of what this worker may read (--data-root): {}", key, path,
                         leads, allowed);
}

// A folder's own entries may be links, too: what a trial reads of it is JSON, weights and a vocabulary.
Status DataRoots::CheckLinks(const char* key, const fs::path& folder) const {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return absl::OkStatus();
  fs::directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    const std::string kind = entry->path().extension().string();
    if (!entry->is_symlink() || (kind != ".json" && kind != ".safetensors" && kind != ".model")) continue;
    const fs::path target = Resolve(entry->path(), error);
    if (error || !Contain(target)) {
      return InvalidArgument("{}: {} leads out of what this worker may read (--data-root), to {}", key,
                             entry->path().string(), target.string());
    }
  }
  return error ? InvalidArgument("{}: {}: {}", key, folder.string(), error.message()) : absl::OkStatus();
}

}  // namespace lorikeet::agent
