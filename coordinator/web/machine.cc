#include "coordinator/web/machine.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <optional>
#include <sstream>

#include "common/files.h"
#include "coordinator/web/families.h"

namespace lorikeet::web {
namespace {

std::optional<double> BootTime() {
  std::istringstream lines(ReadFile("/proc/stat").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("btime ", 0) == 0) return std::stod(line.substr(6));
  }
  return std::nullopt;
}

// Of /proc/self/stat, from the third on: the second is the program's name, which may hold anything.
std::vector<double> StatFields() {
  const std::string text = ReadFile("/proc/self/stat").value_or("");
  const std::size_t end = text.rfind(')');
  std::vector<double> fields;
  if (end == std::string::npos) return fields;
  std::istringstream rest(text.substr(end + 1));
  std::string state;
  rest >> state;
  for (double field = 0; rest >> field;) fields.push_back(field);
  return fields;
}

std::optional<double> OpenFiles() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return std::nullopt;
  double count = -3;                           // ".", ".." and the folder itself
  while (readdir(folder) != nullptr) ++count;  // NOLINT(concurrency-mt-unsafe): a stream of our own
  closedir(folder);
  return count;
}

double SizeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<double>(info.st_size) : 0;
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessFamilies() {
  std::vector<prometheus::MetricFamily> families;
  // Numbered from the fourth field of proc(5).
  constexpr std::size_t kUserTime = 14 - 4, kSystemTime = 15 - 4, kStart = 22 - 4, kVirtual = 23 - 4,
                        kResident = 24 - 4;
  const std::vector<double> fields = StatFields();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (fields.size() > kResident) {
    families.push_back(Counter("process_cpu_seconds_total", "Processor time that the coordinator has used.",
                               (fields[kUserTime] + fields[kSystemTime]) / ticks));
    families.push_back(
        Gauge("process_virtual_memory_bytes", "Virtual memory of the coordinator.", fields[kVirtual]));
    families.push_back(Gauge("process_resident_memory_bytes", "Memory of the coordinator that is resident.",
                             fields[kResident] * static_cast<double>(sysconf(_SC_PAGESIZE))));
    if (const std::optional<double> boot = BootTime()) {
      families.push_back(Gauge("process_start_time_seconds",
                               "When the coordinator started, in seconds since 1970.",
                               *boot + fields[kStart] / ticks));
    }
  }
  if (const std::optional<double> open = OpenFiles())
    families.push_back(Gauge("process_open_fds", "Open files and connections of the coordinator.", *open));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.push_back(Gauge("process_max_fds",
                             "How many files and connections the coordinator may have open.",
                             static_cast<double>(limit.rlim_cur)));
  }
  return families;
}

std::vector<prometheus::MetricFamily> DiskFamilies(const std::string& database_path) {
  std::vector<prometheus::MetricFamily> families = {
      Gauge("lorikeet_database_bytes", "Size of results.db.", SizeOf(database_path)),
      Gauge("lorikeet_wal_bytes", "Size of results.db-wal.", SizeOf(database_path + "-wal"))};
  const std::string folder = database_path.substr(0, database_path.rfind('/') + 1);
  struct statvfs disk {};
  if (statvfs(folder.empty() ? "." : folder.c_str(), &disk) == 0) {
    families.push_back(Gauge("lorikeet_disk_free_bytes",
                             "What the data folder's filesystem has left for the coordinator.",
                             static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize)));
  }
  return families;
}

}  // namespace lorikeet::web
