// Where a figure's parts lie on the sheet, in points. Internal to sweeps/plot.
#pragma once

#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/plot/canvas.h"
#include "sweeps/plot/figure.h"

namespace lorikeet::plot {

inline constexpr double kTitleSize = 9, kPanelTitleSize = 8, kLabelSize = 7.5, kTickSize = 7, kLegendSize = 7,
                        kNoteSize = 6.2;
inline constexpr double kLegendRow = 9.5, kNoteRow = 8, kSample = 20;

struct LegendEntry {
  std::string text;  // fits
  Line line;
  bool band = false;   // a band's sample
  bool words = false;  // text alone: "and 12 more"
  Place2 at;           // of its sample's left end, at the text's baseline
};

struct PanelLayout {
  Box plot;  // what the axes enclose
  Place2 title, x_label, y_label;
  std::vector<LegendEntry> legend;
};

struct Layout {
  double width = 0, height = 0;
  Place2 title;
  std::string title_text;
  std::vector<PanelLayout> panels;
  std::vector<LegendEntry> legend;
  std::vector<std::pair<Place2, std::string>> notes;
};

// `width` and `height` in points; 0: as the figure needs. InvalidArgument where a height leaves no room for
// the plots. Measures with `canvas`.
StatusOr<Layout> LayOut(const Figure& figure, double width, double height, Canvas& canvas);

// `text` cut to the width, its last character "…".
std::string Fit(const std::string& text, double width, double size, bool bold, Canvas& canvas);

}  // namespace lorikeet::plot
