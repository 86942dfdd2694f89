// Axes: where a value lies, and at which values ticks are read best.
//
// Pure.
#pragma once

#include <string>
#include <vector>

#include "sweeps/plot/figure.h"

namespace lorikeet::plot {

// Where `value` lies on the axis: 0 at its low end, 1 at its high one. Beyond [0, 1] where it is not shown.
double Place(const Axis& axis, double value);
// The share of the axis that zeros have to themselves on a logarithmic axis.
inline constexpr double kZeroShare = 0.12;

// A linear axis over [low, high] with some air, its ticks at 1, 2 or 5 times a power of ten.
Axis LinearAxis(const std::string& label, double low, double high);
// An axis over positive values in a cost's unit: logarithmic, ticks at powers, and between them where there
// are few; linear where they lie near each other. With `zero`, zeros have a place before them.
Axis CostAxis(const std::string& label, const std::string& unit, double low, double high, bool zero);
// An axis on which given values lie, each with its text as a tick where they are few: linear, or logarithmic
// where they are positive and span enough. `doubling`: of ranks and counts, which grow by doubling.
Axis ValuesAxis(const std::string& label, const std::vector<Tick>& values, bool doubling);
// Places for what is no number.
Axis CategoriesAxis(const std::string& label, const std::vector<std::string>& names);

}  // namespace lorikeet::plot
