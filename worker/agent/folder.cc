#include "worker/agent/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "common/files.h"

namespace lorikeet::agent {
namespace {

namespace fs = std::filesystem;

std::string Trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

Status CheckId(const std::string& id) {
  const bool plain =
      !id.empty() && id.size() <= 128 && id[0] != '.' && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.';
      });
  if (!plain) return InvalidArgument("'{}' is no id: letters, digits, '-', '_' and '.' only", id);
  return absl::OkStatus();
}

Status MakeFolder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return FailedPrecondition("{}: cannot make the worker's folder: {}", path, error.message());
  return absl::OkStatus();
}

StatusOr<std::string> LoadIdentity(const std::string& path, RandomSource& random) {
  const StatusOr<std::string> text = ReadFile(path);
  if (text.ok()) {
    const std::string identity = Trimmed(*text);
    if (identity.rfind("w-", 0) != 0 || !CheckId(identity).ok()) {
      return FailedPrecondition("{}: '{}' is no worker's identity (w-…); remove the file to get a new one",
                                path, identity);
    }
    return identity;
  }
  if (!absl::IsNotFound(text.status())) return text.status();
  const std::string identity = NewId("w", random);
  RETURN_IF_ERROR(WriteFileAtomically(path, identity + "\n"));
  return identity;
}

// On disk before anybody hears of it: a later start says a higher number.
StatusOr<std::int64_t> CountStart(const std::string& path) {
  const StatusOr<std::string> text = ReadFile(path);
  if (!text.ok() && !absl::IsNotFound(text.status())) return text.status();
  std::int64_t before = 0;
  if (text.ok()) {
    const std::string number = Trimmed(*text);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), before);
    if (error != std::errc() || end != number.data() + number.size() || before < 0) {
      return FailedPrecondition("{}: '{}' is no number of starts; write the greatest that you can be sure of",
                                path, number);
    }
  }
  RETURN_IF_ERROR(WriteFileAtomically(path, std::to_string(before + 1) + "\n"));
  return before + 1;
}

}  // namespace

StatusOr<std::unique_ptr<Folder>> Folder::Open(const std::string& path, RandomSource& random) {
  RETURN_IF_ERROR(MakeFolder(path));
  std::error_code error;
  std::string absolute = fs::canonical(path, error).string();
  if (error) return FailedPrecondition("{}: {}", path, error.message());
  const std::string lock_path = absolute + "/lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return FailedPrecondition("{}: cannot open: {}", lock_path, std::strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    close(lock);
    if (reason != EWOULDBLOCK)
      return FailedPrecondition("{}: cannot lock: {}", lock_path, std::strerror(reason));
    const StatusOr<std::string> holder = ReadFile(lock_path);
    const std::string pid = holder.ok() ? Trimmed(*holder) : "";
    return FailedPrecondition(
        "{}: held by another sweep-worker (process {}); give each worker a --dir of its own", absolute,
        pid.empty() ? "unknown" : pid);
  }
  std::unique_ptr<Folder> folder(new Folder(std::move(absolute), lock));
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock, 0) != 0 ||
      pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return FailedPrecondition("{}: cannot write: {}", lock_path, std::strerror(errno));
  }
  RETURN_IF_ERROR(MakeFolder(folder->path_ + "/trials"));
  RETURN_IF_ERROR(MakeFolder(folder->path_ + "/attempts"));
  ASSIGN_OR_RETURN(folder->identity_, LoadIdentity(folder->path_ + "/identity", random));
  ASSIGN_OR_RETURN(folder->starts_, CountStart(folder->path_ + "/starts"));
  return folder;
}

Folder::~Folder() { close(lock_); }

StatusOr<std::string> Folder::AttemptFolder(const std::string& attempt_id) const {
  RETURN_IF_ERROR(CheckId(attempt_id));
  return path_ + "/attempts/" + attempt_id;
}

StatusOr<std::string> Folder::TrialFolder(const std::string& trial_id) const {
  RETURN_IF_ERROR(CheckId(trial_id));
  return path_ + "/trials/" + trial_id;
}

std::vector<std::string> Folder::ListAttempts() const {
  std::vector<std::string> ids;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_ + "/attempts", error)) {
    std::string name = entry.path().filename().string();
    if (CheckId(name).ok()) ids.push_back(std::move(name));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

void Folder::RemoveAttempt(const std::string& attempt_id) const {
  std::error_code ignored;
  if (const auto folder = AttemptFolder(attempt_id); folder.ok()) fs::remove_all(*folder, ignored);
}

void Folder::RemoveTrial(const std::string& trial_id) const {
  std::error_code ignored;
  if (const auto folder = TrialFolder(trial_id); folder.ok()) fs::remove_all(*folder, ignored);
}

void Folder::RemoveOldTrials(std::chrono::hours age, const std::vector<std::string>& keep) const {
  std::vector<std::string> old;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (const fs::directory_entry& entry : fs::directory_iterator(path_ + "/trials", error)) {
    std::error_code time_error;
    const auto touched = entry.last_write_time(time_error);
    std::string name = entry.path().filename().string();
    if (time_error || now - touched < age || std::find(keep.begin(), keep.end(), name) != keep.end())
      continue;
    old.push_back(std::move(name));
  }
  for (const std::string& id : old) RemoveTrial(id);
}

}  // namespace lorikeet::agent
