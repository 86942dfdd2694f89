#include "sweeps/plot/plot.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <memory>

#include "common/nearest.h"
#include "sweeps/plot/figures.h"
#include "sweeps/plot/picture.h"
#include "sweeps/plot/terminal.h"
#include "sweeps/report/series.h"

namespace lorikeet::plot {
namespace {

// More is not seen, and makes an SVG of megabytes.
constexpr std::size_t kMostPointsDrawn = 150'000;

const std::vector<std::string> kKinds = {"sensitivity", "curves", "pareto"};
const std::vector<std::string> kFormats = {"text", "svg", "png", "pdf"};

Status CheckWord(const char* what, const std::string& word, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), word) != known.end()) return absl::OkStatus();
  return InvalidArgument("{} '{}': {}{}", what, word, fmt::join(known, ", "), DidYouMean(word, known));
}

// What another kind would look at would be passed over in silence.
Status CheckFits(const std::string& kind, const PlotRequest& request) {
  if (!request.axis.empty() && kind != "sensitivity")
    return InvalidArgument("an axis is of --kind sensitivity, not of {}", kind);
  if (!request.cost.empty() && kind != "pareto")
    return InvalidArgument("a cost is of --kind pareto, not of {}", kind);
  return absl::OkStatus();
}

StatusOr<Figure> MakeFigure(const std::string& database_path, const std::string& kind,
                            const PlotRequest& request) {
  ASSIGN_OR_RETURN(const std::unique_ptr<report::Series> series, report::Series::Open(database_path));
  if (kind == "curves") {
    ASSIGN_OR_RETURN(
        const report::Curves read,
        series->ReadCurves(request.sweep,
                           {.metric = request.metric, .most_points = 400, .most_in_all = kMostPointsDrawn}));
    return CurvesFigure(read);
  }
  if (kind == "pareto") {
    ASSIGN_OR_RETURN(const report::Pareto read,
                     series->ReadPareto(request.sweep, request.metric, request.cost));
    return ParetoFigure(read);
  }
  ASSIGN_OR_RETURN(const report::Sensitivity read,
                   series->ReadSensitivity(request.sweep, request.metric, request.axis));
  return SensitivityFigure(read);
}

Status CheckTextSize(const PlotRequest& request) {
  const auto least = static_cast<std::int64_t>(kLeastColumns), most = static_cast<std::int64_t>(kMostColumns);
  if (request.width != 0 && (request.width < least || request.width > most))
    return InvalidArgument("a width of {} columns: from {} to {}", request.width, least, most);
  if (request.height != 0 && (request.height < 4 || request.height > static_cast<std::int64_t>(kMostRows)))
    return InvalidArgument("a height of {} rows: from 4 to {}", request.height, kMostRows);
  return absl::OkStatus();
}

}  // namespace

StatusOr<Plot> MakePlot(const std::string& database_path, const PlotRequest& request) {
  const std::string kind = request.kind.empty() ? "sensitivity" : request.kind;
  const std::string format = request.format.empty() ? "text" : request.format;
  RETURN_IF_ERROR(CheckWord("kind", kind, kKinds));
  RETURN_IF_ERROR(CheckWord("format", format, kFormats));
  RETURN_IF_ERROR(CheckFits(kind, request));
  if (format == "text") RETURN_IF_ERROR(CheckTextSize(request));
  ASSIGN_OR_RETURN(const Figure figure, MakeFigure(database_path, kind, request));
  Plot plot;
  if (format == "text") {
    plot.content =
        DrawInTerminal(figure, {.columns = request.width > 0 ? static_cast<std::size_t>(request.width) : 80,
                                .rows = static_cast<std::size_t>(std::max<std::int64_t>(request.height, 0)),
                                .colour = request.colour,
                                .ascii = request.ascii});
    return plot;
  }
  const PictureFormat picture_format = format == "svg"   ? PictureFormat::kSvg
                                       : format == "png" ? PictureFormat::kPng
                                                         : PictureFormat::kPdf;
  ASSIGN_OR_RETURN(Picture picture, DrawPicture(figure, picture_format,
                                                {.width = static_cast<double>(request.width),
                                                 .height = static_cast<double>(request.height)}));
  plot.content = std::move(picture.bytes);
  if (picture.without_fonts) {
    plot.warnings.emplace_back(
        "the machine that drew this has no font: its letters are plain, and ASCII alone; a font (Debian's "
        "fonts-dejavu-core, say) makes them better");
  }
  return plot;
}

StatusOr<std::string> FormatOfFile(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  if (ending == ".svg" || ending == ".png" || ending == ".pdf") return ending.substr(1);
  return InvalidArgument("{}: a picture's name ends in .svg, .png or .pdf", path);
}

}  // namespace lorikeet::plot
