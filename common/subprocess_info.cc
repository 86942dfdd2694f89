// What /proc says about processes that may not be our children.
#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "common/files.h"
#include "common/subprocess.h"

namespace lorikeet {
namespace {

// Places in proc(5)'s list, counted from the third field.
constexpr std::size_t kState = 3 - 3;
constexpr std::size_t kGroup = 5 - 3;
constexpr std::size_t kStartTime = 22 - 3;

// The fields of /proc/PID/stat from the third (state) on: the second, the name, may hold anything. Empty
// where there is no such process.
std::vector<std::string> StatFields(const std::string& pid) {
  const StatusOr<std::string> text = ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!text.ok()) return {};
  const std::size_t name_end = text->rfind(')');
  if (name_end == std::string::npos) return {};
  std::vector<std::string> fields;
  std::size_t begin = name_end + 2;
  while (begin < text->size()) {
    const std::size_t end = std::min(text->find(' ', begin), text->size());
    fields.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

bool IsMarked(const std::string& pid, const std::string& mark) {
  const StatusOr<std::string> environment = ReadFile(fmt::format("/proc/{}/environ", pid));
  if (!environment.ok()) return false;
  for (std::size_t begin = 0; begin < environment->size();) {
    const std::size_t end = std::min(environment->find('\0', begin), environment->size());
    if (environment->compare(begin, end - begin, mark) == 0) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::optional<std::uint64_t> ProcessStartTime(pid_t pid) {
  const std::vector<std::string> fields = StatFields(std::to_string(pid));
  if (fields.size() <= kStartTime || fields[kState] == "Z" || fields[kState] == "X") return std::nullopt;
  return std::strtoull(fields[kStartTime].c_str(), nullptr, 10);
}

bool ProcessGroupAlive(pid_t group) {
  if (kill(-group, 0) != 0 && errno == ESRCH) return false;
  // Something answers to the group's number; look whether it is more than zombies that nobody has reaped.
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return true;
  bool alive = false;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const std::vector<std::string> fields = StatFields(entry->d_name);
    if (fields.size() <= kGroup || fields[kState] == "Z" || fields[kState] == "X") continue;
    if (std::strtol(fields[kGroup].c_str(), nullptr, 10) == group) {
      alive = true;
      break;
    }
  }
  closedir(folder);
  return alive;
}

int KillProcessesMarked(const std::string& name, const std::string& value) {
  const std::string mark = name + "=" + value;
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return 0;
  int killed = 0;
  while (const dirent* entry = readdir(folder)) {
    const std::string pid = entry->d_name;
    if (pid[0] < '1' || pid[0] > '9' || !IsMarked(pid, mark)) continue;
    const auto number = static_cast<pid_t>(std::strtol(pid.c_str(), nullptr, 10));
    // Held before the last look, so that the number cannot go to another process between look and signal.
    const int held = static_cast<int>(syscall(SYS_pidfd_open, number, 0));
    if (held < 0 && errno != ENOSYS) continue;  // gone
    const bool still = IsMarked(pid, mark);
    if (held < 0) {  // a kernel before 5.3
      if (still && kill(number, SIGKILL) == 0) ++killed;
      continue;
    }
    if (still && syscall(SYS_pidfd_send_signal, held, SIGKILL, nullptr, 0) == 0) ++killed;
    close(held);
  }
  closedir(folder);
  return killed;
}

}  // namespace lorikeet
