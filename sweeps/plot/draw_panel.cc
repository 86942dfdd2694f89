#include "sweeps/plot/draw_panel.h"

#include <algorithm>
#include <cmath>

#include "sweeps/plot/palette.h"
#include "sweeps/plot/point_labels.h"
#include "sweeps/plot/scale.h"

namespace lorikeet::plot {
namespace {

constexpr double kSymbol = 4.6, kThick = 1.3, kMedium = 0.8, kThin = 0.45, kBar = 0.7, kCap = 1.8;
constexpr std::size_t kMany = 40;  // lines
// Half a symbol shows beyond the axes.
constexpr double kSpill = 3.5;
// Far outside: what lies there is clipped, and Cairo's numbers end at some millions.
constexpr double kFar = 20;

// Each tick has a mark, and as many a text as have room: every one, every second, …
void DrawXTicks(const Axis& axis, const Box& plot, Canvas& canvas) {
  struct Text {
    double x = 0, half = 0;
    std::string text;
  };
  std::vector<Text> texts;
  const bool categories = axis.scale == ScaleKind::kCategories;
  const double room = categories ? plot.width() / static_cast<double>(axis.ticks.size()) - 3 : 1e9;
  for (const Tick& tick : axis.ticks) {
    const double x = plot.left + Place(axis, tick.value) * plot.width();
    if (x < plot.left - 0.5 || x > plot.right + 0.5) continue;
    canvas.Lines({{x, plot.bottom}, {x, plot.bottom + 2.5}},
                 {.colour = kInk, .width = 0.6, .opacity = 1, .dashed = false});
    std::string text = Fit(tick.text, room, kTickSize, false, canvas);
    const double half = canvas.TextWidth(text, kTickSize) / 2;
    texts.push_back({.x = x, .half = half, .text = std::move(text)});
  }
  const auto fits = [&](std::size_t every) {
    for (std::size_t i = every; i < texts.size(); i += every) {
      if (texts[i].x - texts[i].half < texts[i - every].x + texts[i - every].half + 2.5) return false;
    }
    return true;
  };
  std::size_t every = 1;
  while (every < texts.size() && !fits(every)) ++every;
  for (std::size_t i = 0; i < texts.size(); i += every) {
    // The last may lie at the sheet's edge.
    const double x = std::min(texts[i].x, plot.right + 4 - texts[i].half);
    canvas.Text(
        {x, plot.bottom + 10}, texts[i].text,
        {.size = kTickSize, .bold = false, .align = Align::kCentre, .colour = kInk, .upwards = false});
  }
}

void DrawAxes(const Panel& panel, const PanelLayout& layout, Canvas& canvas) {
  const Box& plot = layout.plot;
  const Stroke grid{.colour = kGrid, .width = 0.5, .opacity = 1, .dashed = false};
  double last = plot.bottom + 100;
  for (const Tick& tick : panel.y.ticks) {
    const double y = plot.bottom - Place(panel.y, tick.value) * plot.height();
    if (y < plot.top - 0.5 || y > plot.bottom + 0.5) continue;
    canvas.Lines({{plot.left, y}, {plot.right, y}}, grid);
    if (std::abs(last - y) < kTickSize) continue;
    last = y;
    canvas.Text({plot.left - 4, y + kTickSize * 0.36}, tick.text,
                {.size = kTickSize, .bold = false, .align = Align::kRight, .colour = kInk, .upwards = false});
  }
  DrawXTicks(panel.x, plot, canvas);
  canvas.Lines({{plot.left, plot.top}, {plot.left, plot.bottom}, {plot.right, plot.bottom}},
               {.colour = kInk, .width = 0.8, .opacity = 1, .dashed = false});
  canvas.Text(
      layout.title, Fit(panel.title, plot.width(), kPanelTitleSize, true, canvas),
      {.size = kPanelTitleSize, .bold = true, .align = Align::kLeft, .colour = kInk, .upwards = false});
  canvas.Text(layout.x_label, Fit(panel.x.label, plot.width() + 30, kLabelSize, false, canvas),
              {.size = kLabelSize, .bold = false, .align = Align::kCentre, .colour = kInk, .upwards = false});
  canvas.Text(layout.y_label, Fit(panel.y.label, plot.height() + 10, kLabelSize, false, canvas),
              {.size = kLabelSize, .bold = false, .align = Align::kCentre, .colour = kInk, .upwards = true});
}

void DrawBand(const Panel& panel, const Box& plot, Canvas& canvas) {
  if (!panel.band) return;
  const auto height = [&](double value) {
    return std::clamp(plot.bottom - Place(panel.y, value) * plot.height(), plot.top - kFar,
                      plot.bottom + kFar);
  };
  if (panel.band->low && panel.band->high) {
    canvas.Rectangle({plot.left, height(*panel.band->high), plot.right, height(*panel.band->low)},
                     kBandColour, 0.22);
  }
  const double mean = height(panel.band->mean);
  canvas.Lines({{plot.left, mean}, {plot.right, mean}},
               {.colour = kBaselineColour, .width = 0.9, .opacity = 1, .dashed = true});
}

// An end that is not shown is an arrow.
void DrawInterval(const Panel& panel, const Box& plot, const Point& point, double shift, const Stroke& bar,
                  Canvas& canvas) {
  const auto end = [&](double value, double edge, double inwards) {
    Place2 at = OnSheet(panel, plot, point.x, value, shift);
    const bool beyond = inwards > 0 ? at.y < edge : at.y > edge;
    if (!beyond) {
      canvas.Lines({{at.x - kCap, at.y}, {at.x + kCap, at.y}}, bar);
      return at;
    }
    at.y = edge;
    canvas.Lines({{at.x - kCap, edge + inwards * 3}, at, {at.x + kCap, edge + inwards * 3}}, bar);
    return at;
  };
  canvas.Lines({end(*point.low, plot.bottom, -1), end(*point.high, plot.top, 1)}, bar);
}

void DrawLine(const Panel& panel, const Box& plot, const Line& line, double shift, bool many,
              Canvas& canvas) {
  if (line.joined != Joined::kNot) {
    canvas.Lines(PathOf(panel, plot, line, shift), {.colour = line.colour,
                                                    .width = line.thin ? kThin
                                                             : many    ? kMedium
                                                                       : kThick,
                                                    .opacity = !line.thin ? 1.0
                                                               : many     ? 0.25
                                                                          : 0.45,
                                                    .dashed = line.dashed});
  }
  for (const Point& point : line.points) {
    if (point.low && point.high) {
      DrawInterval(panel, plot, point, shift,
                   {.colour = line.colour,
                    .width = kBar,
                    .opacity = line.joined == Joined::kNot ? 0.6 : 1,
                    .dashed = false},
                   canvas);
    }
  }
  if (line.marker == Marker::kNone) return;
  for (const Point& point : line.points) {
    const Place2 at = OnSheet(panel, plot, point.x, point.y, shift);
    canvas.Symbol(at, line.marker, line.thin ? kSymbol * 0.6 : kSymbol, line.colour);
    if (point.ring) canvas.Ring(at, kSymbol + 4, kInk);
  }
}

}  // namespace

Place2 OnSheet(const Panel& panel, const Box& plot, double x, double y, double shift) {
  return {
      std::clamp(plot.left + Place(panel.x, x) * plot.width() + shift, plot.left - kFar, plot.right + kFar),
      std::clamp(plot.bottom - Place(panel.y, y) * plot.height(), plot.top - kFar, plot.bottom + kFar)};
}

std::vector<Place2> PathOf(const Panel& panel, const Box& plot, const Line& line, double shift) {
  std::vector<Place2> path;
  if (line.joined == Joined::kNot) return path;
  for (const Point& point : line.points) {
    const Place2 at = OnSheet(panel, plot, point.x, point.y, shift);
    if (line.joined == Joined::kStairsLeft || line.joined == Joined::kStairsRight)
      path.push_back({at.x, path.empty() ? plot.bottom : path.back().y});
    path.push_back(at);
  }
  if (path.empty()) return path;
  if (line.joined == Joined::kStairsRight) path.push_back({plot.right, path.back().y});
  if (line.joined == Joined::kStairsLeft) path.push_back({plot.left, path.back().y});
  return path;
}

double ShiftOf(const Panel& panel, std::size_t line) {
  const std::size_t count = panel.lines.size();
  if (!panel.beside || count < 2) return 0;
  const double step = std::min(3.0, 14.0 / static_cast<double>(count));
  return (static_cast<double>(line) - static_cast<double>(count - 1) / 2) * step;
}

void DrawPanel(const Panel& panel, const PanelLayout& layout, Canvas& canvas) {
  const Box& plot = layout.plot;
  DrawAxes(panel, layout, canvas);
  canvas.Clip({plot.left, plot.top - kSpill, plot.right + kSpill, plot.bottom + kSpill});
  DrawBand(panel, plot, canvas);
  const std::size_t thick = static_cast<std::size_t>(
      std::count_if(panel.lines.begin(), panel.lines.end(), [](const Line& line) { return !line.thin; }));
  const bool many = panel.lines.size() > kMany, many_thick = thick > kMany;
  for (const bool above : {false, true}) {
    for (std::size_t i = 0; i < panel.lines.size(); ++i) {
      const Line& line = panel.lines[i];
      if (line.above == above)
        DrawLine(panel, plot, line, ShiftOf(panel, i), line.thin ? many : many_thick && !above, canvas);
    }
  }
  canvas.Unclip();
  DrawPointLabels(panel, plot, canvas);
  for (const LegendEntry& entry : layout.legend) DrawLegendEntry(entry, canvas);
}

void DrawLegendEntry(const LegendEntry& entry, Canvas& canvas) {
  const double y = entry.at.y - kLegendSize * 0.36, left = entry.at.x, right = left + kSample;
  if (entry.band) {
    if (entry.line.dashed) canvas.Rectangle({left, y - 3.5, right, y + 3.5}, kBandColour, 0.22);
    canvas.Lines({{left, y}, {right, y}},
                 {.colour = kBaselineColour, .width = 0.9, .opacity = 1, .dashed = true});
  } else if (!entry.words) {
    if (entry.line.joined != Joined::kNot) {
      canvas.Lines({{left, y}, {right, y}},
                   {.colour = entry.line.colour, .width = kThick, .opacity = 1, .dashed = entry.line.dashed});
    }
    canvas.Symbol({(left + right) / 2, y}, entry.line.marker, kSymbol, entry.line.colour);
  }
  canvas.Text({left + (entry.words ? 0 : kSample + 3), entry.at.y}, entry.text,
              {.size = kLegendSize, .bold = false, .align = Align::kLeft, .colour = kInk, .upwards = false});
}

}  // namespace lorikeet::plot
