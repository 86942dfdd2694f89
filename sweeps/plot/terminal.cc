#include "sweeps/plot/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sweeps/plot/dot_grid.h"
#include "sweeps/plot/palette.h"
#include "sweeps/plot/scale.h"
#include "sweeps/plot/text.h"

namespace lorikeet::plot {
namespace {

std::size_t Width(const std::string& text) { return Characters(text).size(); }

// What ASCII lacks, by what stands for it.
std::string Plain(const std::string& text, bool ascii) {
  if (!ascii) return text;
  std::string plain;
  for (const std::string& character : Characters(text)) {
    if (character.size() == 1) {
      plain += character;
    } else {
      plain += character == "\u2212" ? "-"
               : character == "…"    ? "..."
               : character == "←"    ? "<-"
               : character == "→"    ? "->"
                                     : "?";
    }
  }
  return plain;
}

std::string Cut(const std::string& text, std::size_t columns, bool ascii) {
  std::string plain = Plain(text, ascii);
  if (Width(plain) <= columns) return plain;
  std::string cut;
  const std::vector<std::string> characters = Characters(plain);
  for (std::size_t i = 0; i + 1 < columns; ++i) cut += characters[i];
  return cut + (ascii ? "~" : "…");
}

std::string Wrapped(const std::string& text, std::size_t columns, std::size_t indent, bool ascii) {
  std::string out, line(indent, ' ');
  const std::string plain = Plain(text, ascii);
  bool begun = false;
  for (std::size_t begin = 0; begin < plain.size();) {
    const std::size_t end = std::min(plain.find(' ', begin), plain.size());
    const std::string word = Cut(plain.substr(begin, end - begin), columns - indent, ascii);
    begin = end + 1;
    if (word.empty()) continue;
    if (begun && Width(line) + 1 + Width(word) > columns) {
      out += line + "\n";
      line.assign(indent, ' ');
      begun = false;
    }
    line += (begun ? " " : "") + word;
    begun = true;
  }
  return out + line + "\n";
}

// By marker: filled, hollow, ASCII.
constexpr const char* kGlyphs[][3] = {{"", "", ""},    {"●", "○", "o"}, {"■", "□", "#"}, {"▲", "△", "^"},
                                      {"◆", "◇", "*"}, {"✚", "+", "+"}, {"▼", "▽", "v"}};

// Lines without a marker get one, to be told apart without colours.
std::string GlyphOf(const Line& line, std::size_t index, bool filled, bool ascii) {
  const Marker marker = line.marker == Marker::kNone ? MarkerOf(index) : line.marker;
  return kGlyphs[static_cast<std::size_t>(marker)][ascii ? 2 : filled ? 0 : 1];
}

struct Drawer {
  const Panel& panel;
  const TerminalStyle& style;
  DotGrid& grid;
  bool rings = false;  // some points stand out: the others are hollow

  double X(double value) const { return Place(panel.x, value); }
  double Y(double value) const { return Place(panel.y, value); }

  void Draw() {
    DrawBand();
    bool thick = false;
    for (const Line& line : panel.lines) thick = thick || (!line.thin && line.points.size() > 1);
    // Seeds' lines would hide their means.
    const auto shown = [&](const Line& line) { return !line.thin || !thick; };
    for (const Line& line : panel.lines) {
      if (shown(line)) DrawJoined(line);
      if (shown(line)) DrawIntervals(line);
    }
    std::size_t index = 0;
    for (const Line& line : panel.lines) {
      if (shown(line)) DrawMarkers(line, index);
      if (!line.label.empty()) ++index;
    }
  }

  void DrawBand() {
    if (!panel.band) return;
    const Band& band = *panel.band;
    const double step = 1.0 / static_cast<double>(grid.columns() - 1), mean = Y(band.mean);
    for (double x = 0; x <= 1 + step / 2; x += step)
      grid.Glyph(std::min(x, 1.0), mean, style.ascii ? "-" : "╌", std::nullopt, false);
    if (!band.low || !band.high) return;
    const double low = Y(*band.low), high = Y(*band.high), down = 1.0 / static_cast<double>(grid.rows() - 1);
    for (double y = 0; y <= 1 + down / 2; y += down) {
      if (y < low || y > high) continue;
      for (double x = 0; x <= 1 + step / 2; x += step)
        grid.Glyph(std::min(x, 1.0), std::min(y, 1.0), style.ascii ? ":" : "░", kFaint, false);
    }
  }

  void DrawJoined(const Line& line) {
    if (line.joined == Joined::kNot || line.points.empty()) return;
    const bool stairs = line.joined != Joined::kStraight;
    double x = X(line.points[0].x), y = stairs ? 0 : Y(line.points[0].y);
    for (const Point& point : line.points) {
      const double next_x = X(point.x), next_y = Y(point.y);
      if (stairs) {
        grid.Line(x, y, next_x, y, line.colour);
        grid.Line(next_x, y, next_x, next_y, line.colour);
      } else {
        grid.Line(x, y, next_x, next_y, line.colour);
      }
      x = next_x;
      y = next_y;
    }
    if (stairs) grid.Line(x, y, line.joined == Joined::kStairsRight ? 1 : 0, y, line.colour);
  }

  void DrawIntervals(const Line& line) {
    for (const Point& point : line.points) {
      if (point.low && point.high) grid.Upright(X(point.x), Y(*point.low), Y(*point.high), line.colour);
    }
  }

  void DrawMarkers(const Line& line, std::size_t index) {
    if (line.marker == Marker::kNone) {
      if (line.label.empty() || line.points.empty()) return;
      // Here and there on the line, each line's elsewhere, and at its end.
      const std::size_t every = std::max<std::size_t>(line.points.size() / 3, 1);
      for (std::size_t i = (index * every / 4) % every; i < line.points.size(); i += every)
        Mark(line, line.points[i], index);
      Mark(line, line.points.back(), index);
      return;
    }
    for (const Point& point : line.points) Mark(line, point, index);
  }

  void Mark(const Line& line, const Point& point, std::size_t index) {
    const double x = X(point.x), y = Y(point.y);
    grid.Glyph(x, y, GlyphOf(line, index, point.ring || !rings, style.ascii), line.colour, true);
    if (point.ring && style.ascii) {
      grid.Glyph(x, y, "(", line.colour, true, -1);
      grid.Glyph(x, y, ")", line.colour, true, 1);
    }
  }
};

// The axis below, its ticks and their values.
std::string XAxis(const Axis& axis, std::size_t columns, std::size_t left, bool ascii) {
  std::vector<std::string> line(columns, ascii ? "-" : "─");
  std::string values(left + columns, ' ');
  std::vector<std::string> characters = Characters(values);
  std::size_t taken = 0;
  for (const Tick& tick : axis.ticks) {
    const double place = Place(axis, tick.value);
    if (place < -0.001 || place > 1.001) continue;
    const auto column =
        static_cast<std::size_t>(std::lround(std::clamp(place, 0.0, 1.0) * static_cast<double>(columns - 1)));
    line[column] = ascii ? "+" : "┬";
    const std::vector<std::string> text =
        Characters(Cut(tick.text, std::max<std::size_t>(columns / 4, 8), ascii));
    std::size_t begin = left + column >= text.size() / 2 ? left + column - text.size() / 2 : 0;
    begin = std::min(begin, characters.size() - std::min(text.size(), characters.size()));
    if (begin < taken) continue;
    for (std::size_t i = 0; i < text.size(); ++i) characters[begin + i] = text[i];
    taken = begin + text.size() + 1;
  }
  std::string below = fmt::format("{}", fmt::join(characters, ""));
  below.erase(below.find_last_not_of(' ') + 1);
  return fmt::format("{}{}{}\n{}\n", std::string(left - 1, ' '), ascii ? "+" : "└", fmt::join(line, ""),
                     below);
}

// `fronts`: lines without a marker are fronts, not one of many.
std::string Legend(const std::vector<Line>& lines, const TerminalStyle& style, bool fronts) {
  std::string out;
  std::size_t index = 0;
  for (const Line& line : lines) {
    if (line.label.empty()) continue;
    const std::string glyph = fronts && line.marker == Marker::kNone
                                  ? (style.ascii ? "." : "⠒")
                                  : GlyphOf(line, index, true, style.ascii);
    ++index;
    out += fmt::format("  {}{}{} {}\n", style.colour ? ColourCode(line.colour) : "", glyph,
                       style.colour ? kColourEnd : "", Cut(line.label, style.columns - 5, style.ascii));
  }
  return out;
}

// What panels share.
std::string SharedLegend(const Figure& figure, const TerminalStyle& style) {
  std::string out = Legend(figure.legend, style, true);
  for (const Panel& panel : figure.panels) {
    if (!panel.band) continue;
    out += fmt::format("  {} {}\n", style.ascii ? "-" : "╌",
                       Cut(panel.band->label, style.columns - 5, style.ascii));
    break;
  }
  return out;
}

std::string FrontText(const Panel& panel, const TerminalStyle& style) {
  std::vector<std::string> names;
  for (const Line& line : panel.lines) {
    for (const Point& point : line.points) {
      if (point.ring && !point.label.empty()) names.push_back(point.label);
    }
  }
  if (names.empty()) return "";
  return Wrapped(fmt::format("front: {}", fmt::join(names, "; ")), style.columns, 2, style.ascii);
}

std::string DrawPanelText(const Panel& panel, const TerminalStyle& style, std::size_t rows) {
  std::size_t y_width = 1;
  for (const Tick& tick : panel.y.ticks) y_width = std::max(y_width, Width(Plain(tick.text, style.ascii)));
  y_width = std::min<std::size_t>(y_width, 12);
  const std::size_t left = y_width + 2, columns = style.columns - left - 1;
  DotGrid grid(columns, rows, style.ascii);
  Drawer drawer{.panel = panel, .style = style, .grid = grid};
  for (const Line& line : panel.lines) {
    for (const Point& point : line.points) drawer.rings = drawer.rings || point.ring;
  }
  drawer.Draw();
  std::string out;
  if (!panel.title.empty()) out += Cut(panel.title, style.columns, style.ascii) + "\n";
  out += Cut(panel.y.label, style.columns, style.ascii) + "\n";
  std::vector<std::string> ticks(rows);
  for (const Tick& tick : panel.y.ticks) {
    const double place = Place(panel.y, tick.value);
    if (place < -0.001 || place > 1.001) continue;
    std::string& at = ticks[static_cast<std::size_t>(
        std::lround((1 - std::clamp(place, 0.0, 1.0)) * static_cast<double>(rows - 1)))];
    if (at.empty()) at = Cut(tick.text, y_width, style.ascii);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    out += std::string(y_width - Width(ticks[row]), ' ') + ticks[row] + " " +
           (style.ascii ? (ticks[row].empty() ? "|" : "+") : (ticks[row].empty() ? "│" : "┤")) +
           grid.Row(row, style.colour) + "\n";
  }
  out += XAxis(panel.x, columns, left, style.ascii);
  const std::string label = Cut(panel.x.label, columns, style.ascii);
  out += std::string(left + (columns - Width(label)) / 2, ' ') + label + "\n";
  out += Legend(panel.lines, style, false);
  if (panel.left_out > 0) out += fmt::format("  and {} more\n", panel.left_out);
  return out + FrontText(panel, style);
}

}  // namespace

std::string DrawInTerminal(const Figure& figure, const TerminalStyle& style) {
  TerminalStyle checked = style;
  checked.columns = std::clamp(style.columns, kLeastColumns, kMostColumns);
  const std::size_t count = figure.panels.size();
  const std::size_t rows = std::min(style.rows > 0 ? std::max<std::size_t>(style.rows, 4)
                                    : count == 1   ? 16
                                    : count == 2   ? 13
                                                   : 10,
                                    kMostRows);
  std::string out = Cut(figure.title, checked.columns, checked.ascii) + "\n";
  for (const Panel& panel : figure.panels) out += "\n" + DrawPanelText(panel, checked, rows);
  if (const std::string shared = SharedLegend(figure, checked); !shared.empty())
    out += (count > 1 ? "\n" : "") + shared;
  if (!figure.notes.empty()) out += "\n";
  for (const std::string& note : figure.notes) out += Wrapped(note, checked.columns, 0, checked.ascii);
  return out;
}

}  // namespace lorikeet::plot
