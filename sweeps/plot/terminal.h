// A figure drawn with characters.
//
// Pure. Lines end in "\n"; none is wider than `columns`.
#pragma once

#include <cstddef>
#include <string>

#include "sweeps/plot/figure.h"

namespace lorikeet::plot {

struct TerminalStyle {
  std::size_t columns = 80;
  std::size_t rows = 0;  // of each panel's plot; 0: as suits their number
  bool colour = false;
  bool ascii = false;  // the locale has no UTF-8
};
inline constexpr std::size_t kLeastColumns = 40, kMostColumns = 500, kMostRows = 200;

std::string DrawInTerminal(const Figure& figure, const TerminalStyle& style);

}  // namespace lorikeet::plot
