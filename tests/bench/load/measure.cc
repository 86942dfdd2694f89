#include "tests/bench/load/measure.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <sstream>

#include "common/files.h"

namespace lorikeet::load {
namespace {

double ReadClock(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

double Now() { return ReadClock(CLOCK_MONOTONIC); }

double CpuSeconds(pid_t pid) {
  clockid_t clock{};
  return clock_getcpuclockid(pid, &clock) == 0 ? ReadClock(clock) : 0;
}

double OwnCpuSeconds() { return ReadClock(CLOCK_PROCESS_CPUTIME_ID); }

StatusOr<std::int64_t> ResidentBytes(pid_t pid) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(fmt::format("/proc/{}/statm", pid)));
  std::istringstream words(text);
  std::int64_t size = 0, resident = 0;
  if (!(words >> size >> resident)) return NotFound("/proc/{}/statm: no memory of that process", pid);
  return resident * sysconf(_SC_PAGESIZE);
}

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto last = static_cast<double>(values.size() - 1);
  const auto place = static_cast<std::ptrdiff_t>(std::ceil(share * last));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

StatusOr<bool> IsInMemory(const std::string& folder) {
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0) {
    return InvalidArgument("{}: {}; name a folder on a disk", folder, std::strerror(errno));
  }
  return info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC;
}

}  // namespace lorikeet::load
