#include "sweeps/sweepctl/export.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "sweeps/export/lines.h"
#include "sweeps/export/mlflow.h"
#include "sweeps/export/new_files.h"
#include "sweeps/export/tensorboard.h"
#include "sweeps/sweepctl/adapter_files.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

using exporting::Json;
using exporting::NewFolder;

report::ExtractRequest Ask(const std::string& what, const ExportOptions& options) {
  report::ExtractRequest request;
  request.what = what;
  request.name = options.sweep;
  return request;
}

Status ReadRuns(const Extractor& extractor, const ExportOptions& options,
                const std::function<Status(const Json&)>& take) {
  exporting::Lines lines(take);
  RETURN_IF_ERROR(
      extractor.Read(Ask("runs", options), [&](std::string_view text) { return lines.Add(text); }));
  return lines.Finish();
}

void SayWhere(const NewFolder& folder, const std::string& what) {
  fmt::print("{}\n", folder.out());
  fmt::print(stderr, "{}\n", what);
}

Status ExportTensorBoard(const Extractor& extractor, const ExportOptions& options) {
  NewFolder folder(options.out);
  RETURN_IF_ERROR(folder.Make());
  exporting::TensorBoard board(folder);
  RETURN_IF_ERROR(ReadRuns(extractor, options, [&](const Json& line) { return board.Take(line); }));
  RETURN_IF_ERROR(board.Finish());
  RETURN_IF_ERROR(folder.Keep());
  SayWhere(folder, fmt::format("{} runs, {} points of curves; tensorboard --logdir shows them", board.runs(),
                               board.points()));
  return absl::OkStatus();
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Status ExportMlflow(const Extractor& extractor, const ExportOptions& options) {
  const std::string url = options.to.empty() ? Environment("MLFLOW_TRACKING_URI") : options.to;
  if (url.empty())
    return InvalidArgument(
        "export --format mlflow: name the server by --to http://HOST:PORT, or by MLFLOW_TRACKING_URI");
  ASSIGN_OR_RETURN(const std::unique_ptr<exporting::Mlflow> mlflow,
                   exporting::Mlflow::Create({.url = url,
                                              .token = Environment("MLFLOW_TRACKING_TOKEN"),
                                              .user = Environment("MLFLOW_TRACKING_USERNAME"),
                                              .password = Environment("MLFLOW_TRACKING_PASSWORD")}));
  const bool show = IsTerminal(STDERR_FILENO);
  Status sent = ReadRuns(extractor, options, [&](const Json& line) -> Status {
    RETURN_IF_ERROR(mlflow->Take(line));
    if (show) fmt::print(stderr, "\r{} runs", mlflow->written() + mlflow->passed_over());
    return absl::OkStatus();
  });
  if (sent.ok()) sent = mlflow->Finish();
  if (show) fmt::print(stderr, "\r\033[K");
  if (!sent.ok()) {
    if (mlflow->written() == 0) return sent;
    return Annotate(sent, fmt::format("after {} runs (typed again, it goes on)", mlflow->written()));
  }
  fmt::print("{}\n", Printable(mlflow->experiment()));
  fmt::print(stderr, "{} runs written, {} were there already{}\n", mlflow->written(), mlflow->passed_over(),
             mlflow->not_numbers() > 0
                 ? fmt::format("; {} points that are no numbers left out", mlflow->not_numbers())
                 : "");
  return absl::OkStatus();
}

Status ExportCsv(const Extractor& extractor, const ExportOptions& options) {
  NewFolder folder(options.out);
  RETURN_IF_ERROR(folder.Make());
  report::ExtractRequest request = Ask("csv", options);
  for (const std::string& table : report::CsvTables()) {
    request.table = table;
    exporting::NewFile file(folder.path() + "/" + table + ".csv");
    RETURN_IF_ERROR(file.Open());
    RETURN_IF_ERROR(extractor.Read(request, [&](std::string_view text) { return file.Write(text); }));
    RETURN_IF_ERROR(file.Keep());
  }
  RETURN_IF_ERROR(folder.Keep());
  SayWhere(folder, fmt::format("{}.csv", fmt::join(report::CsvTables(), ".csv, ")));
  return absl::OkStatus();
}

Status ExportCard(const Extractor& extractor, const ExportOptions& options) {
  NewFolder folder(options.out);
  RETURN_IF_ERROR(folder.Make());
  report::ExtractRequest request = Ask("card", options);
  request.other = options.trial;
  request.base_model = options.base_model;
  request.json = true;
  ASSIGN_OR_RETURN(const std::string text, extractor.ReadAll(request));
  const Json card = Json::parse(text, nullptr, false);
  if (!card.is_object()) return Internal("the card that comes is no JSON object");
  const std::string trial = exporting::Text(card, "trial");
  const bool alone = options.without_adapter || exporting::Text(card, "arm") == "full";
  if (!alone) RETURN_IF_ERROR(TakeAdapter(extractor, card, folder.path()));
  RETURN_IF_ERROR(folder.Write("README.md", exporting::Text(card, "card")));
  RETURN_IF_ERROR(folder.Keep());
  SayWhere(folder,
           fmt::format("README.md{} of '{}'{}", alone ? "" : ", beside the adapter", Printable(trial),
                       alone && !options.without_adapter ? "; a sweep does not keep full models" : ""));
  return absl::OkStatus();
}

}  // namespace

Status Export(const Extractor& extractor, const ExportOptions& options) {
  if (options.format == "parquet") {
    return InvalidArgument(
        "export --format parquet: Debian has no library that writes it; pandas makes Parquet of the database "
        "in two "
        "lines: docs/exports.md has them");
  }
  if (options.format == "mlflow") {
    if (!options.out.empty())
      return InvalidArgument(
          "export --format mlflow: it goes to a server, not to --out: --to http://HOST:PORT");
    return ExportMlflow(extractor, options);
  }
  if (!options.to.empty())
    return InvalidArgument("export --format {}: it goes to a folder, not to a server: --out DIR",
                           options.format);
  if (options.out.empty())
    return InvalidArgument("export --format {}: name the new folder by --out DIR", options.format);
  if (options.format == "tensorboard") return ExportTensorBoard(extractor, options);
  if (options.format == "csv") return ExportCsv(extractor, options);
  return ExportCard(extractor, options);
}

}  // namespace lorikeet::sweepctl
