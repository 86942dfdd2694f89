#include "sweeps/sweepctl/table.h"

#include "sweeps/report/report.h"
#include "sweeps/sweepctl/maintain.h"

namespace lorikeet::sweepctl {

StatusOr<std::string> TableFromDatabase(const std::string& database, const std::string& sweep,
                                        const std::string& format, bool colour) {
  ASSIGN_OR_RETURN(const std::string path, DatabaseFile(database));
  ASSIGN_OR_RETURN(const report::Format parsed, report::ParseFormat(format));
  ASSIGN_OR_RETURN(const std::unique_ptr<report::Report> report, report::Report::Open(path));
  ASSIGN_OR_RETURN(const report::Table table, report->ReadTable(sweep));
  return report::Render(table, parsed, colour);
}

}  // namespace lorikeet::sweepctl
