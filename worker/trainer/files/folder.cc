#include "worker/trainer/files/folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "common/files.h"

namespace lorikeet::trainer {
namespace {

namespace fs = std::filesystem;

Status SystemError(const std::string& what, const std::error_code& error) {
  return Internal("{}: {}", what, error.message());
}

// The folder at `aside` becomes `target`, and what was there lies at `aside`. On an error `target` is what it
// was.
Status PutInPlace(const std::string& aside, const std::string& target) {
  if (::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0)
    return absl::OkStatus();
  std::error_code error;
  if (errno == ENOENT) {
    fs::rename(aside, target, error);
    return error ? SystemError(target, error) : absl::OkStatus();
  }
  // File systems that cannot exchange, network ones for the most part: for a moment there is neither.
  const std::string old = aside + "-old";
  fs::rename(target, old, error);
  if (error) return SystemError(target, error);
  fs::rename(aside, target, error);
  if (error) {
    std::error_code ignored;
    fs::rename(old, target, ignored);
    return SystemError(target, error);
  }
  fs::rename(old, aside, error);
  return absl::OkStatus();
}

}  // namespace

std::string FolderPath(const std::string& directory) {
  const fs::path path = fs::absolute(directory).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string();
}

Status CheckReplaceable(const std::string& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) return absl::OkStatus();
  if (!fs::is_directory(directory, error))
    return FailedPrecondition("{}: is there, and no folder", directory);
  if (fs::is_empty(directory, error)) return absl::OkStatus();
  for (const char* name : {"config.json", "adapter_config.json"}) {
    if (fs::exists(fs::path(directory) / name, error)) return absl::OkStatus();
  }
  return FailedPrecondition(
      "{}: holds other things than a model, which would be lost: name a new folder, or one with a model to "
      "replace",
      directory);
}

Status WriteFolder(const std::string& directory, const std::function<Status(const std::string&)>& fill) {
  RETURN_IF_ERROR(CheckReplaceable(directory));
  const fs::path clean = FolderPath(directory);
  const std::string aside = fmt::format("{}.new-{}", clean.string(), ::getpid());
  std::error_code error;
  fs::create_directories(clean.parent_path(), error);
  fs::remove_all(aside, error);
  if (!fs::create_directory(aside, error)) return SystemError(aside, error);
  Status status = fill(aside);
  if (status.ok()) status = SyncFolder(aside);
  if (status.ok()) {
    error.clear();
    status = PutInPlace(aside, clean.string());
    if (status.ok()) status = SyncFolder(clean.parent_path().string());
  }
  fs::remove_all(aside, error);  // what was replaced, or what failed
  return status;
}

}  // namespace lorikeet::trainer
