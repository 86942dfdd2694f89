// A figure drawn for paper.
//
// Thread-safe. The same figure, format and size make the same bytes on a machine: other machines may have
// other fonts.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/plot/canvas.h"
#include "sweeps/plot/figure.h"

namespace lorikeet::plot {

// In points of 1/72 inch; 0: a paper's column (252) or its page (504), and as high as is needed.
struct Size {
  double width = 0, height = 0;
};
inline constexpr double kLeastSide = 120, kMostSide = 1440;

struct Picture {
  std::string bytes;
  bool without_fonts = false;  // this machine has none: letters are Cairo's own, and ASCII alone
};

// InvalidArgument: the size is beyond its limits, or too low for the figure.
StatusOr<Picture> DrawPicture(const Figure& figure, PictureFormat format, const Size& size);

}  // namespace lorikeet::plot
