// One panel of a figure on a canvas. Internal to sweeps/plot.
#pragma once

#include "sweeps/plot/canvas.h"
#include "sweeps/plot/figure.h"
#include "sweeps/plot/layout.h"

namespace lorikeet::plot {

void DrawPanel(const Panel& panel, const PanelLayout& layout, Canvas& canvas);
void DrawLegendEntry(const LegendEntry& entry, Canvas& canvas);

// Where a point of the panel lies on the sheet. `shift`: a line's, to lie beside others.
Place2 OnSheet(const Panel& panel, const Box& plot, double x, double y, double shift = 0);
// The points that a line is drawn through; none where its points are not joined.
std::vector<Place2> PathOf(const Panel& panel, const Box& plot, const Line& line, double shift);
// How far a line lies beside its place, in points.
double ShiftOf(const Panel& panel, std::size_t line);

}  // namespace lorikeet::plot
