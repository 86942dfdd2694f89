#include "sweeps/export/new_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/files.h"

namespace lorikeet::exporting {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostNameBytes = 200;  // a file's name has 255 at most, and something may come behind

Status Errno(const std::string& path, const char* action) {
  const int error = errno;
  const auto code = error == ENOSPC || error == EDQUOT ? absl::StatusCode::kResourceExhausted
                                                       : absl::StatusCode::kFailedPrecondition;
  return MakeStatus(code, "{}: cannot {}: {}", path, action, std::strerror(error));
}

std::string FolderOf(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// Without a slash at its end: what is appended names something beside it.
std::string Clean(const std::string& out) {
  const fs::path path = fs::absolute(out).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string();
}

}  // namespace

NewFile::~NewFile() {
  if (file_ >= 0) close(file_);
  if (!aside_.empty()) unlink(aside_.c_str());
}

Status NewFile::Open() {
  struct stat found {};
  const bool there = stat(path_.c_str(), &found) == 0;
  if (there && S_ISDIR(found.st_mode)) return FailedPrecondition("{}: is a folder; name a file", path_);
  const bool replaced = !there || S_ISREG(found.st_mode);
  if (replaced) aside_ = fmt::format("{}.new-{}", path_, getpid());
  const std::string& path = replaced ? aside_ : path_;
  file_ =
      open(path.c_str(), replaced ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_WRONLY | O_CLOEXEC, 0644);
  if (file_ >= 0) return absl::OkStatus();
  Status status = Errno(path_, "write");
  aside_.clear();
  return status;
}

Status NewFile::Write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Errno(path_, "write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

Status NewFile::Keep() {
  const bool synced = aside_.empty() || fsync(file_) == 0;
  if (!synced) return Errno(path_, "write");
  if (close(std::exchange(file_, -1)) != 0) return Errno(path_, "write");
  if (aside_.empty()) return absl::OkStatus();
  if (rename(aside_.c_str(), path_.c_str()) != 0) return Errno(path_, "write");
  aside_.clear();
  return SyncFolder(FolderOf(path_));
}

NewFolder::NewFolder(const std::string& out) : out_(Clean(out)) {}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!aside_.empty()) fs::remove_all(aside_, ignored);
}

Status NewFolder::CheckFree() const {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(out_, error))) return absl::OkStatus();
  if (!fs::is_directory(out_, error)) return FailedPrecondition("{}: is there, and is no folder", out_);
  if (fs::is_empty(out_, error)) return absl::OkStatus();
  return FailedPrecondition("{}: is there, and is not empty: name a new folder by --out", out_);
}

Status NewFolder::Make() {
  RETURN_IF_ERROR(CheckFree());
  std::error_code error;
  fs::create_directories(FolderOf(out_), error);
  const std::string aside = fmt::format("{}.new-{}", out_, getpid());
  fs::remove_all(aside, error);
  if (!fs::create_directory(aside, error)) return FailedPrecondition("{}: {}", out_, error.message());
  aside_ = aside;
  return absl::OkStatus();
}

Status NewFolder::Write(const std::string& name, std::string_view content) {
  const fs::path path = fs::path(aside_) / name;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return FailedPrecondition("{}: {}", path.string(), error.message());
  NewFile file(path.string());
  RETURN_IF_ERROR(file.Open());
  RETURN_IF_ERROR(file.Write(content));
  return file.Keep();
}

Status NewFolder::Keep() {
  RETURN_IF_ERROR(CheckFree());  // again: it took a while
  // An empty folder is replaced by it.
  if (rename(aside_.c_str(), out_.c_str()) != 0) return Errno(out_, "make");
  aside_.clear();
  return SyncFolder(FolderOf(out_));
}

std::string FileName(const std::string& name) {
  std::string safe = name.empty() ? "unnamed" : name;
  std::replace_if(
      safe.begin(), safe.end(),
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("=_.,+").find(c) != std::string_view::npos);
      },
      '-');
  if (safe.front() == '.') safe.front() = '-';
  return safe.substr(0, kMostNameBytes);
}

}  // namespace lorikeet::exporting
