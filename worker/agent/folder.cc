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

// With those above it, each of them there after a power cut too.
Status MakeFolder(Disk& disk, const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return absl::OkStatus();
  const std::string parent = fs::path(path).parent_path().string();
  if (!parent.empty() && parent != path) RETURN_IF_ERROR(MakeFolder(disk, parent));
  RETURN_IF_ERROR(disk.MakeFolder(path));
  return disk.SyncFolder(parent.empty() ? "." : parent);
}

StatusOr<std::string> LoadIdentity(Disk& disk, const std::string& path, RandomSource& random) {
  const StatusOr<std::string> text = disk.ReadFile(path);
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
  RETURN_IF_ERROR(disk.ReplaceFile(path, identity + "\n"));
  return identity;
}

// On disk before anybody hears of it: a later start says a higher number.
StatusOr<std::int64_t> CountStart(Disk& disk, const std::string& path) {
  const StatusOr<std::string> text = disk.ReadFile(path);
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
  RETURN_IF_ERROR(disk.ReplaceFile(path, std::to_string(before + 1) + "\n"));
  return before + 1;
}

}  // namespace

StatusOr<std::unique_ptr<Folder>> Folder::Open(const std::string& path, RandomSource& random, Disk& disk) {
  if (Status made = MakeFolder(disk, path); !made.ok())
    return FailedPrecondition("cannot make the worker's folder: {}", Message(made));
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
  std::unique_ptr<Folder> folder(new Folder(std::move(absolute), lock, disk));
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock, 0) != 0 ||
      pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return FailedPrecondition("{}: cannot write: {}", lock_path, std::strerror(errno));
  }
  RETURN_IF_ERROR(disk.MakeFolder(folder->path_ + "/trials"));
  RETURN_IF_ERROR(disk.MakeFolder(folder->path_ + "/attempts"));
  RETURN_IF_ERROR(disk.MakeFolder(folder->path_ + "/adapters"));
  ASSIGN_OR_RETURN(folder->identity_, LoadIdentity(disk, folder->path_ + "/identity", random));
  // Syncs the names of the others too.
  ASSIGN_OR_RETURN(folder->starts_, CountStart(disk, folder->path_ + "/starts"));
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

Status Folder::Check() const {
  const Status written = disk_.ReplaceFile(path_ + "/probe", "");
  return IsFull(written) ? absl::OkStatus() : written;
}

std::vector<std::string> Folder::ListAttempts() const {
  std::vector<std::string> ids;
  const auto entries = disk_.List(path_ + "/attempts");
  if (!entries.ok()) return ids;
  for (const Disk::Entry& entry : *entries) {
    if (CheckId(entry.name).ok()) ids.push_back(entry.name);
  }
  return ids;
}

Status Folder::MakeTrial(const std::string& trial_id) const {
  ASSIGN_OR_RETURN(const std::string path, TrialFolder(trial_id));
  RETURN_IF_ERROR(disk_.MakeFolder(path));
  return disk_.SyncFolder(path_ + "/trials");
}

void Folder::RemoveAttempt(const std::string& attempt_id) const {
  if (const auto folder = AttemptFolder(attempt_id); folder.ok()) disk_.Remove(*folder).IgnoreError();
}

void Folder::RemoveTrial(const std::string& trial_id) const {
  if (const auto folder = TrialFolder(trial_id); folder.ok()) disk_.Remove(*folder).IgnoreError();
}

void Folder::RemoveOldTrials(std::chrono::hours age, const std::vector<std::string>& keep) const {
  const auto entries = disk_.List(path_ + "/trials");
  if (!entries.ok()) return;
  for (const Disk::Entry& entry : *entries) {
    if (entry.untouched >= age && std::find(keep.begin(), keep.end(), entry.name) == keep.end())
      RemoveTrial(entry.name);
  }
}

}  // namespace lorikeet::agent
