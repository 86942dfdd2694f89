// Names beside points. Internal to sweeps/plot.
#pragma once

#include "sweeps/plot/canvas.h"
#include "sweeps/plot/figure.h"

namespace lorikeet::plot {

// Those of the panel's points that have one, where they run into no point, interval or other name; else not.
void DrawPointLabels(const Panel& panel, const Box& plot, Canvas& canvas);

}  // namespace lorikeet::plot
