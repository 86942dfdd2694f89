#include "worker/agent/attempts.h"

#include <signal.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "common/files.h"
#include "common/subprocess.h"

namespace lorikeet::agent {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kKillTimeout{30};

StatusOr<AttemptRecord> LoadRecord(Disk& disk, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(path));
  try {
    const json object = json::parse(text);
    AttemptRecord record;
    object.at("attempt_id").get_to(record.attempt_id);
    object.at("token").get_to(record.token);
    object.at("trial_id").get_to(record.trial_id);
    object.at("number").get_to(record.number);
    object.at("slots").get_to(record.slots);
    return record;
  } catch (const json::exception& error) {
    return Internal("{}: {}", path, error.what());
  }
}

// The process group that StoreProcess wrote down, if it is still that one.
std::optional<pid_t> LeftoverGroup(const std::string& attempt_folder) {
  const StatusOr<std::string> text = ReadFile(attempt_folder + "/process");
  if (!text.ok()) return std::nullopt;
  pid_t pid = 0;
  std::uint64_t started_at = 0;
  try {
    const json object = json::parse(*text);
    if (object.at("boot").get<std::string>() != BootId()) return std::nullopt;
    object.at("pid").get_to(pid);
    object.at("start").get_to(started_at);
  } catch (const json::exception&) {
    return std::nullopt;
  }
  if (pid <= 1) return std::nullopt;
  // A number that another process has got is a stranger; so may be a group whose leader has gone.
  const std::optional<std::uint64_t> start = ProcessStartTime(pid);
  if (!start || *start != started_at) return std::nullopt;
  return pid;
}

Status KillLeftover(const std::string& attempt_folder) {
  const std::optional<pid_t> group = LeftoverGroup(attempt_folder);
  if (group && kill(-*group, SIGKILL) != 0 && errno != ESRCH) {
    return FailedPrecondition("cannot kill process group {}, left by an earlier run of this worker: {}",
                              *group, std::strerror(errno));
  }
  const auto deadline = std::chrono::steady_clock::now() + kKillTimeout;
  // Again and again: what is being killed may start another before it is.
  while (KillProcessesMarked(kAttemptMark, attempt_folder) > 0 || (group && ProcessGroupAlive(*group))) {
    if (std::chrono::steady_clock::now() > deadline) {
      return FailedPrecondition("what an earlier run of this worker left of {} does not end when killed",
                                attempt_folder);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return absl::OkStatus();
}

StatusOr<StoredAttempt> LoadAttempt(Disk& disk, const std::string& folder, const std::string& id) {
  StoredAttempt attempt;
  ASSIGN_OR_RETURN(attempt.record, LoadRecord(disk, folder + "/attempt.json"));
  if (attempt.record.attempt_id != id) {
    return Internal("{}/attempt.json: is of attempt {}", folder, attempt.record.attempt_id);
  }
  ASSIGN_OR_RETURN(attempt.spool, Spool::Open(disk, folder + "/spool"));
  return attempt;
}

}  // namespace

std::string BootId() { return ReadFile("/proc/sys/kernel/random/boot_id").value_or(""); }

StatusOr<StoredAttempt> StoreAttempt(const Folder& folder, const AttemptRecord& record) {
  ASSIGN_OR_RETURN(const std::string path, folder.AttemptFolder(record.attempt_id));
  Disk& disk = folder.disk();
  RETURN_IF_ERROR(disk.Remove(path));
  RETURN_IF_ERROR(disk.MakeFolder(path));
  const json object = {{"attempt_id", record.attempt_id},
                       {"token", record.token},
                       {"trial_id", record.trial_id},
                       {"number", record.number},
                       {"slots", record.slots}};
  RETURN_IF_ERROR(disk.ReplaceFile(path + "/attempt.json", object.dump() + "\n"));
  StoredAttempt attempt{record, nullptr};
  ASSIGN_OR_RETURN(attempt.spool, Spool::Open(disk, path + "/spool"));
  RETURN_IF_ERROR(disk.SyncFolder(path));
  RETURN_IF_ERROR(disk.SyncFolder(folder.path() + "/attempts"));
  return attempt;
}

StatusOr<std::vector<StoredAttempt>> RecoverAttempts(const Folder& folder,
                                                     std::vector<std::string>& warnings) {
  std::vector<StoredAttempt> attempts;
  for (const std::string& id : folder.ListAttempts()) {
    ASSIGN_OR_RETURN(const std::string path, folder.AttemptFolder(id));
    RETURN_IF_ERROR(KillLeftover(path));
    StatusOr<StoredAttempt> attempt = LoadAttempt(folder.disk(), path, id);
    if (!attempt.ok()) {
      warnings.push_back(fmt::format("attempt {} is given up: {}", id, Message(attempt.status())));
      folder.RemoveAttempt(id);
      continue;
    }
    attempts.push_back(*std::move(attempt));
  }
  return attempts;
}

Status StoreProcess(const std::string& attempt_folder, pid_t pid) {
  const json object = {{"pid", pid}, {"start", ProcessStartTime(pid).value_or(0)}, {"boot", BootId()}};
  return WriteFileAtomically(attempt_folder + "/process", object.dump() + "\n");
}

}  // namespace lorikeet::agent
