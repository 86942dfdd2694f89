// Artifacts are files beside the database: what of them is missing.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sweeps/report/check.h"
#include "sweeps/report/database.h"
#include "sweeps/report/findings.h"

namespace lorikeet::report {
namespace {

namespace fs = std::filesystem;

// "": as its row says; else what is wrong with the files of the artifact at `folder`.
std::string WrongWith(const fs::path& folder, const std::string& files) {
  const nlohmann::json list = nlohmann::json::parse(files);
  for (const nlohmann::json& file : list) {
    const fs::path path = folder / file.at("name").get<std::string>();
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(path, error);
    if (error) return fmt::format("a file of an artifact is gone: {}", path.string());
    if (bytes != file.at("bytes").get<std::uintmax_t>()) {
      return fmt::format("a file of an artifact has {} bytes, not {}: {}", bytes,
                         file.at("bytes").get<std::uintmax_t>(), path.string());
    }
  }
  return "";
}

}  // namespace

StatusOr<std::vector<std::string>> CheckArtifacts(const std::string& path, const std::string& folder) {
  return Guarded(path, [&]() -> StatusOr<std::vector<std::string>> {
    const auto database = OpenReadOnly(path);
    Findings findings;
    SQLite::Statement artifacts(*database, "SELECT path, files FROM artifacts ORDER BY path");
    while (artifacts.executeStep() && !findings.full()) {
      const std::string of = artifacts.getColumn(0).getString();
      std::string line = WrongWith(fs::path(folder) / of, artifacts.getColumn(1).getString());
      if (line.empty()) continue;
      // Files go after their row went, and this row may be older than that: by another connection, whose
      // snapshot is today's.
      const auto now = OpenReadOnly(path);
      SQLite::Statement still(*now, "SELECT 1 FROM artifacts WHERE path = ?");
      still.bind(1, of);
      if (still.executeStep()) findings.Add(std::move(line));
    }
    return findings.Take();
  });
}

}  // namespace lorikeet::report
