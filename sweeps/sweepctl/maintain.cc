#include "sweeps/sweepctl/maintain.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sweeps/report/backup.h"
#include "sweeps/report/check.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

// A damaged database, or a file's name, may hold what is no UTF-8.
constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;

}  // namespace

StatusOr<std::string> DatabaseFile(const std::string& database) {
  std::filesystem::path path = database;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) path /= "results.db";
  if (!std::filesystem::exists(path, error)) return NotFound("{}: there is no such database", path.string());
  return path.string();
}

Status CheckFile(const std::string& database, bool json) {
  ASSIGN_OR_RETURN(const std::string path, DatabaseFile(database));
  ASSIGN_OR_RETURN(std::vector<std::string> wrong, report::CheckDatabase(path));
  // A copy has none beside it.
  const std::filesystem::path artifacts = std::filesystem::path(path).parent_path() / "artifacts";
  std::error_code error;
  if (wrong.empty() && std::filesystem::is_directory(artifacts, error)) {
    ASSIGN_OR_RETURN(wrong, report::CheckArtifacts(path, artifacts.string()));
  }
  if (json) {
    fmt::print("{}\n",
               nlohmann::ordered_json({{"database", path}, {"wrong", wrong}}).dump(-1, ' ', false, kReplace));
  } else {
    for (const std::string& line : wrong) fmt::print("{}\n", Printable(line));
    if (wrong.empty()) fmt::print("{}: nothing is wrong\n", path);
  }
  return wrong.empty() ? absl::OkStatus()
                       : Internal("{}: {} thing{} wrong; docs/operations.md says what to do", path,
                                  wrong.size(), wrong.size() == 1 ? " is" : "s are");
}

Status BackUpFile(const std::string& database, const std::string& to, bool json) {
  ASSIGN_OR_RETURN(const std::string path, DatabaseFile(database));
  const bool show = IsTerminal(STDERR_FILENO);
  const auto progress = [&](std::int64_t done, std::int64_t all) {
    if (show) fmt::print(stderr, "\r{} {:3} %", ProgressBar(done, all, 30), all > 0 ? 100 * done / all : 100);
  };
  const StatusOr<std::int64_t> bytes = report::BackUp(path, to, progress);
  if (show) fmt::print(stderr, "\r\033[K");
  RETURN_IF_ERROR(bytes.status());
  if (json) {
    fmt::print("{}\n", nlohmann::ordered_json({{"database", path}, {"copy", to}, {"bytes", *bytes}})
                           .dump(-1, ' ', false, kReplace));
  } else {
    fmt::print("{}: copied to {}, {}\n", path, to, FormatBytes(*bytes));
  }
  return absl::OkStatus();
}

}  // namespace lorikeet::sweepctl
