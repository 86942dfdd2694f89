#include "sweeps/plot/layout.h"

#include <algorithm>
#include <cmath>

#include "sweeps/plot/text.h"

namespace lorikeet::plot {
namespace {

constexpr double kMargin = 5, kGap = 12, kNoteGap = 4;
constexpr double kColumnWidth = 252, kPageWidth = 504;  // 3.5 and 7 inches: a paper's column, its page
constexpr double kNarrowestPanel = 150;
constexpr double kPlotShape = 0.68;  // height by width
constexpr double kLowestPlot = 40;
constexpr double kTickRoom = 11, kLabelRoom = 11, kYLabelRoom = 11;

std::size_t ColumnsOf(std::size_t panels, double width) {
  const auto fit = static_cast<std::size_t>(
      std::max(1.0, std::floor((width - 2 * kMargin + kGap) / (kNarrowestPanel + kGap))));
  if (panels == 4 && fit >= 2 && fit < 4) return 2;
  return std::clamp<std::size_t>(fit, 1, panels);
}

// Entries side by side, in rows that begin at `left`; returns the height that they take.
double PlaceLegend(std::vector<LegendEntry>& entries, double left, double top, double width, Canvas& canvas) {
  if (entries.empty()) return 0;
  double x = left, y = top + kLegendRow;
  for (LegendEntry& entry : entries) {
    const double sample = entry.words ? 0 : kSample + 3;
    entry.text = Fit(entry.text, width - sample, kLegendSize, false, canvas);
    const double needs = sample + canvas.TextWidth(entry.text, kLegendSize);
    if (x > left && x + needs > left + width) {
      x = left;
      y += kLegendRow;
    }
    entry.at = {x, y - 2};
    x += needs + 9;
  }
  return y - top;
}

std::vector<LegendEntry> PanelLegend(const Panel& panel) {
  std::vector<LegendEntry> entries;
  for (const Line& line : panel.lines) {
    if (line.label.empty()) continue;
    Line sample = line;
    sample.points.clear();
    entries.push_back({.text = line.label, .line = sample, .band = false, .words = false, .at = {}});
  }
  if (panel.left_out > 0) {
    entries.push_back({.text = fmt::format("and {} more", panel.left_out),
                       .line = {},
                       .band = false,
                       .words = true,
                       .at = {}});
  }
  return entries;
}

std::vector<LegendEntry> SharedLegend(const Figure& figure) {
  std::vector<LegendEntry> entries;
  for (const Line& line : figure.legend)
    entries.push_back({.text = line.label, .line = line, .band = false, .words = false, .at = {}});
  for (const Panel& panel : figure.panels) {
    if (!panel.band) continue;
    entries.push_back({.text = panel.band->label, .line = {}, .band = true, .words = false, .at = {}});
    entries.back().line.dashed = panel.band->low.has_value();  // whether the sample shows an interval
    break;
  }
  return entries;
}

std::vector<std::string> WrapNotes(const std::vector<std::string>& notes, double width, Canvas& canvas) {
  std::vector<std::string> lines = {""};
  for (const std::string& note : notes) {
    for (std::size_t begin = 0; begin < note.size();) {
      const std::size_t end = std::min(note.find(' ', begin), note.size());
      const std::string word = note.substr(begin, end - begin);
      begin = end + 1;
      if (word.empty()) continue;
      const std::string longer = lines.back().empty() ? word : lines.back() + " " + word;
      if (lines.back().empty() || canvas.TextWidth(longer, kNoteSize) <= width) {
        lines.back() = Fit(longer, width, kNoteSize, false, canvas);
      } else {
        lines.push_back(Fit(word, width, kNoteSize, false, canvas));
      }
    }
  }
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

double TickWidth(const Axis& axis, Canvas& canvas) {
  double widest = 0;
  for (const Tick& tick : axis.ticks) widest = std::max(widest, canvas.TextWidth(tick.text, kTickSize));
  return widest;
}

}  // namespace

std::string Fit(const std::string& text, double width, double size, bool bold, Canvas& canvas) {
  if (canvas.TextWidth(text, size, bold) <= width) return text;
  std::vector<std::string> characters = Characters(text);
  while (!characters.empty()) {
    characters.pop_back();
    std::string cut = fmt::format("{}…", fmt::join(characters, ""));
    if (canvas.TextWidth(cut, size, bold) <= width) return cut;
  }
  return "";
}

StatusOr<Layout> LayOut(const Figure& figure, double width, double height, Canvas& canvas) {
  const std::size_t count = figure.panels.size();
  Layout layout;
  layout.width = width > 0 ? width : count == 1 ? kColumnWidth : kPageWidth;
  const double inner = layout.width - 2 * kMargin;
  const std::size_t columns = ColumnsOf(count, layout.width), rows = (count + columns - 1) / columns;
  const double cell = (inner - kGap * static_cast<double>(columns - 1)) / static_cast<double>(columns);

  double y_room = 0;
  bool titles = false;
  for (const Panel& panel : figure.panels) {
    y_room = std::max(y_room, kYLabelRoom + TickWidth(panel.y, canvas) + 5);
    titles = titles || !panel.title.empty();
  }
  const double plot_width = std::max(cell - y_room, 20.0);

  // The heights of everything but the plots.
  std::vector<std::vector<LegendEntry>> legends;
  std::vector<double> legend_heights(rows, 0);
  for (std::size_t i = 0; i < count; ++i) {
    legends.push_back(PanelLegend(figure.panels[i]));
    double& most = legend_heights[i / columns];
    most = std::max(most, PlaceLegend(legends.back(), 0, 0, cell, canvas));
  }
  layout.legend = SharedLegend(figure);
  const double shared = PlaceLegend(layout.legend, kMargin, 0, inner, canvas);
  const std::vector<std::string> notes = WrapNotes(figure.notes, inner, canvas);
  const double title_room = figure.title.empty() ? 0 : kTitleSize + 5;
  const double panel_title = titles ? kPanelTitleSize + 4 : 3;
  const double below = kTickRoom + kLabelRoom;
  double fixed = 2 * kMargin + title_room + static_cast<double>(rows) * (panel_title + below) +
                 kGap / 2 * static_cast<double>(rows - 1) + (shared > 0 ? shared + 3 : 0) +
                 (notes.empty() ? 0 : kNoteGap + static_cast<double>(notes.size()) * kNoteRow);
  for (const double legend : legend_heights) fixed += legend;
  double plot = plot_width * kPlotShape;
  if (height > 0) {
    plot = (height - fixed) / static_cast<double>(rows);
    if (plot < kLowestPlot) {
      return InvalidArgument(
          "a height of {:.0f} points leaves no room for the plots; {:.0f} would, or a larger width", height,
          std::ceil(fixed + kLowestPlot * static_cast<double>(rows)));
    }
  }
  layout.height = height > 0 ? height : std::ceil(fixed + plot * static_cast<double>(rows));

  double y = kMargin;
  layout.title_text = Fit(figure.title, inner, kTitleSize, true, canvas);
  layout.title = {kMargin, y + kTitleSize};
  y += title_room;
  for (std::size_t row = 0; row < rows; ++row) {
    const double top = y + panel_title, bottom = top + plot;
    for (std::size_t i = row * columns; i < std::min(count, (row + 1) * columns); ++i) {
      const double left = kMargin + static_cast<double>(i % columns) * (cell + kGap);
      PanelLayout panel;
      panel.plot = {.left = left + y_room, .top = top, .right = left + y_room + plot_width, .bottom = bottom};
      panel.title = {panel.plot.left, top - 4};
      panel.x_label = {panel.plot.left + plot_width / 2, bottom + kTickRoom + kLabelSize};
      panel.y_label = {left + kLabelSize, (top + bottom) / 2};
      panel.legend = std::move(legends[i]);
      PlaceLegend(panel.legend, left, bottom + below + 1, cell, canvas);
      layout.panels.push_back(std::move(panel));
    }
    y = bottom + below + legend_heights[row] + kGap / 2;
  }
  if (shared > 0) {
    PlaceLegend(layout.legend, kMargin, y, inner, canvas);
    y += shared + 3;
  }
  y = layout.height - kMargin - static_cast<double>(notes.size()) * kNoteRow;
  for (const std::string& note : notes) {
    y += kNoteRow;
    layout.notes.push_back({{kMargin, y - 1}, note});
  }
  return layout;
}

}  // namespace lorikeet::plot
