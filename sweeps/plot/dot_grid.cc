#include "sweeps/plot/dot_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lorikeet::plot {
namespace {

// The bit of a braille character's dot, by column and by row from the top.
constexpr unsigned kDots[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

// U+2800 and on, in UTF-8.
std::string Braille(unsigned dots) {
  const unsigned code = 0x2800 + dots;
  return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
          static_cast<char>(0x80 | (code & 0x3F))};
}

}  // namespace

DotGrid::DotGrid(std::size_t columns, std::size_t rows, bool ascii)
    : columns_(columns),
      rows_(rows),
      ascii_(ascii),
      across_(ascii ? 1 : 2),
      down_(ascii ? 1 : 4),
      cells_(columns * rows) {}

void DotGrid::Dot(std::ptrdiff_t x, std::ptrdiff_t y, const Colour& colour, bool steep) {
  if (x < 0 || y < 0) return;
  const std::size_t column = static_cast<std::size_t>(x) / static_cast<std::size_t>(across_),
                    row = static_cast<std::size_t>(y) / static_cast<std::size_t>(down_);
  if (column >= columns_ || row >= rows_) return;
  Cell& cell = cells_[row * columns_ + column];
  if (cell.over) return;
  if (ascii_) {
    cell.dots = 1;
    cell.glyph = steep ? "|" : ".";
  } else {
    cell.dots |= kDots[x % 2][y % 4];
    cell.glyph = Braille(cell.dots);
  }
  cell.colour = colour;
}

void DotGrid::Line(double x0, double y0, double x1, double y1, const Colour& colour) {
  const double width = static_cast<double>(columns_) * across_ - 1,
               height = static_cast<double>(rows_) * down_ - 1;
  // Clipped to the grid, by its share of the way.
  double from = 0, to = 1;
  const auto clip = [&](double start, double way) {
    if (way == 0) {
      if (start < 0 || start > 1) to = -1;
      return;
    }
    const double a = -start / way, b = (1 - start) / way;
    from = std::max(from, std::min(a, b));
    to = std::min(to, std::max(a, b));
  };
  clip(x0, x1 - x0);
  clip(y0, y1 - y0);
  if (!(from <= to)) return;
  const double ax = (x0 + (x1 - x0) * from) * width, bx = (x0 + (x1 - x0) * to) * width;
  const double ay = (1 - (y0 + (y1 - y0) * from)) * height, by = (1 - (y0 + (y1 - y0) * to)) * height;
  const int steps = static_cast<int>(std::ceil(std::max(std::abs(bx - ax), std::abs(by - ay))));
  const bool steep = std::abs(by - ay) > std::abs(bx - ax);
  for (int i = 0; i <= steps; ++i) {
    const double share = steps == 0 ? 0 : static_cast<double>(i) / steps;
    Dot(std::lround(ax + (bx - ax) * share), std::lround(ay + (by - ay) * share), colour, steep);
  }
}

void DotGrid::Upright(double x, double y0, double y1, const Colour& colour) {
  if (!(x >= 0 && x <= 1)) return;
  const auto column = static_cast<std::size_t>(std::round(x * static_cast<double>(columns_ - 1))),
             across = static_cast<std::size_t>(across_);
  const std::size_t dot = column * across + across / 2;
  const double middle = static_cast<double>(dot) / static_cast<double>(columns_ * across - 1);
  Line(middle, y0, middle, y1, colour);
}

DotGrid::Cell* DotGrid::At(double x, double y, int shift) {
  if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return nullptr;
  const auto column = std::lround(x * static_cast<double>(columns_ - 1)) + shift,
             row = std::lround((1 - y) * static_cast<double>(rows_ - 1));
  if (column < 0 || column >= static_cast<long>(columns_)) return nullptr;
  return &cells_[static_cast<std::size_t>(row) * columns_ + static_cast<std::size_t>(column)];
}

void DotGrid::Glyph(double x, double y, const std::string& glyph, const std::optional<Colour>& colour,
                    bool over, int shift) {
  Cell* cell = At(x, y, shift);
  if (cell == nullptr || (!over && !cell->glyph.empty())) return;
  cell->glyph = glyph;
  cell->over = over;
  cell->colour = colour;
}

std::string DotGrid::Row(std::size_t row, bool colour) const {
  std::string text, code;
  std::size_t blanks = 0;  // not written before something follows
  for (std::size_t column = 0; column < columns_; ++column) {
    const Cell& cell = cells_[row * columns_ + column];
    if (cell.glyph.empty()) {
      ++blanks;
      continue;
    }
    text.append(blanks, ' ');
    blanks = 0;
    const std::string next = colour && cell.colour ? ColourCode(*cell.colour) : "";
    if (next != code) text += next.empty() ? kColourEnd : next;
    code = next;
    text += cell.glyph;
  }
  return code.empty() ? text : text + kColourEnd;
}

std::string ColourCode(const Colour& colour) {
  const auto level = [](double share) {
    return static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * 5));
  };
  return fmt::format("\033[38;5;{}m",
                     16 + 36 * level(colour.red) + 6 * level(colour.green) + level(colour.blue));
}

}  // namespace lorikeet::plot
