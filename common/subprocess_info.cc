// What /proc says about processes that may not be our children.
#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>

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

}  // namespace lorikeet
