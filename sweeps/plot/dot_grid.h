// A drawing made of characters: dots finer than these (braille has eight in one), and whole characters over
// them. Internal to sweeps/plot.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/plot/figure.h"

namespace lorikeet::plot {

class DotGrid {
 public:
  // `ascii`: dots are characters of their own, and everything is ASCII.
  DotGrid(std::size_t columns, std::size_t rows, bool ascii);

  std::size_t columns() const { return columns_; }
  std::size_t rows() const { return rows_; }
  // Shares of the grid, from its bottom left; what lies outside is not drawn.
  void Line(double x0, double y0, double x1, double y1, const Colour& colour);
  // An upright in the middle of the column that a glyph there would have.
  void Upright(double x, double y0, double y1, const Colour& colour);
  // Over dots, where `over`; else only where there is nothing. `shift`: columns to the right.
  void Glyph(double x, double y, const std::string& glyph, const std::optional<Colour>& colour, bool over,
             int shift = 0);

  // One row, from the top; with colours as a terminal of 256 takes them.
  std::string Row(std::size_t row, bool colour) const;

 private:
  struct Cell {
    unsigned dots = 0;
    std::string glyph;
    bool over = false;
    std::optional<Colour> colour;
  };

  void Dot(std::ptrdiff_t x, std::ptrdiff_t y, const Colour& colour, bool steep);
  Cell* At(double x, double y, int shift);

  const std::size_t columns_, rows_;
  const bool ascii_;
  const int across_, down_;  // dots in a character
  std::vector<Cell> cells_;
};

// "\033[38;5;nm" of the nearest of a terminal's 256 colours.
std::string ColourCode(const Colour& colour);
inline constexpr const char* kColourEnd = "\033[0m";

}  // namespace lorikeet::plot
