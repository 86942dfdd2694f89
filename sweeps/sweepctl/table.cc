#include "sweeps/sweepctl/table.h"

#include <filesystem>

#include "sweeps/report/report.h"

namespace lorikeet::sweepctl {

StatusOr<std::string> TableFromDatabase(const std::string& database, const std::string& sweep,
                                        const std::string& format, bool colour) {
  std::filesystem::path path = database;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) path /= "results.db";
  if (!std::filesystem::exists(path, error)) return NotFound("{}: there is no such database", path.string());
  ASSIGN_OR_RETURN(const report::Format parsed, report::ParseFormat(format));
  ASSIGN_OR_RETURN(const std::unique_ptr<report::Report> report, report::Report::Open(path.string()));
  ASSIGN_OR_RETURN(const report::Table table, report->ReadTable(sweep));
  return report::Render(table, parsed, colour);
}

}  // namespace lorikeet::sweepctl
