#include "sweeps/sweepctl/table.h"

#include <memory>

#include "sweeps/report/report.h"
#include "sweeps/sweepctl/maintain.h"

namespace lorikeet::sweepctl {

StatusOr<std::string> TableFromDatabase(const std::string& database, const TableOptions& options) {
  ASSIGN_OR_RETURN(const std::string path, DatabaseFile(database));
  ASSIGN_OR_RETURN(const report::Format format, report::ParseFormat(options.format));
  ASSIGN_OR_RETURN(const std::unique_ptr<report::Report> report, report::Report::Open(path));
  ASSIGN_OR_RETURN(report::Table table, report->ReadTable(options.sweep));
  RETURN_IF_ERROR(report::Arrange(options.arrangement, table));
  return report::Render(table, format, options.colour);
}

StatusOr<std::string> TableFromCoordinator(Client& client, const TableOptions& options) {
  v1::GetTableRequest request;
  request.set_sweep(options.sweep);
  request.set_format(options.format);
  request.set_colour(options.colour);
  for (const std::string& metric : options.arrangement.metrics) request.add_metrics(metric);
  request.set_sort(options.arrangement.sort);
  request.set_rows(options.arrangement.rows);
  ASSIGN_OR_RETURN(const v1::GetTableResponse response, client.GetTable(request));
  return response.text();
}

}  // namespace lorikeet::sweepctl
