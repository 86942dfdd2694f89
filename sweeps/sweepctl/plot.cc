#include "sweeps/sweepctl/plot.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "common/files.h"
#include "sweeps/plot/plot.h"
#include "sweeps/sweepctl/commands.h"
#include "sweeps/sweepctl/maintain.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

// Wider is not read better.
constexpr std::size_t kWidestOfItself = 120, kColumnsOfAPipe = 80, kNarrowest = 40;

StatusOr<plot::PlotRequest> RequestOf(const PlotOptions& options) {
  plot::PlotRequest request;
  request.sweep = options.sweep;
  request.kind = options.kind;
  request.metric = options.metric;
  request.axis = options.axis;
  request.cost = options.cost;
  request.width = options.width;
  request.height = options.height;
  if (!options.out.empty()) {
    ASSIGN_OR_RETURN(request.format, plot::FormatOfFile(options.out));
    return request;
  }
  request.format = "text";
  request.colour = WantsColour(STDOUT_FILENO);
  request.ascii = !WritesUtf8();
  if (request.width == 0) {
    const std::size_t columns = TerminalColumns(STDOUT_FILENO).value_or(kColumnsOfAPipe);
    request.width = static_cast<std::int64_t>(std::clamp(columns, kNarrowest, kWidestOfItself));
  }
  return request;
}

StatusOr<plot::Plot> Ask(Client& client, const plot::PlotRequest& request) {
  v1::GetPlotRequest wire;
  wire.set_sweep(request.sweep);
  wire.set_kind(request.kind);
  wire.set_metric(request.metric);
  wire.set_axis(request.axis);
  wire.set_cost(request.cost);
  wire.set_format(request.format);
  wire.set_width(request.width);
  wire.set_height(request.height);
  wire.set_colour(request.colour);
  wire.set_ascii(request.ascii);
  ASSIGN_OR_RETURN(v1::GetPlotResponse response, client.GetPlot(wire));
  plot::Plot plot;
  plot.content = std::move(*response.mutable_content());
  plot.warnings.assign(response.warnings().begin(), response.warnings().end());
  return plot;
}

}  // namespace

bool WritesUtf8() {
  // As the C library looks for it.
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string locale(value);
    std::transform(locale.begin(), locale.end(), locale.begin(),
                   [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return false;
}

Status PlotSweep(const PlotOptions& options,
                 const std::function<StatusOr<std::unique_ptr<Client>>()>& connect) {
  ASSIGN_OR_RETURN(const plot::PlotRequest request, RequestOf(options));
  plot::Plot plot;
  if (!options.database.empty()) {
    ASSIGN_OR_RETURN(const std::string path, DatabaseFile(options.database));
    ASSIGN_OR_RETURN(plot, plot::MakePlot(path, request));
  } else {
    ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, connect());
    ASSIGN_OR_RETURN(plot, Ask(*client, request));
  }
  for (const std::string& warning : plot.warnings) fmt::print(stderr, "warning: {}\n", Printable(warning));
  if (options.out.empty()) {
    std::fwrite(plot.content.data(), 1, plot.content.size(), stdout);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(WriteFileAtomically(options.out, plot.content));
  fmt::print("{}\n", options.out);
  return absl::OkStatus();
}

}  // namespace lorikeet::sweepctl
