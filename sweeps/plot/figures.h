// What was read of a sweep, as figures.
//
// Pure. FailedPrecondition where there is nothing to draw yet; the message says what is missing.
#pragma once

#include "common/status.h"
#include "sweeps/plot/figure.h"
#include "sweeps/report/series.h"

namespace lorikeet::plot {

// A panel for each axis of each arm, over the same scores; a line where the arm's other axes stand.
StatusOr<Figure> SensitivityFigure(const report::Sensitivity& read);
// One panel where the configurations are few; else one for each arm, beside the baseline.
StatusOr<Figure> CurvesFigure(const report::Curves& read);
// A panel for each cost that somebody has, its front as stairs.
StatusOr<Figure> ParetoFigure(const report::Pareto& read);

// ---- shared by the three
// The names of at most so many lines stand in a legend.
inline constexpr std::size_t kMostLegend = 8;
// "12 documents", "3 seeds"; what every figure's foot says of its sweep. `intervals`: bars or bands are
// there.
std::vector<std::string> SweepNotes(const report::SweepFacts& sweep, bool intervals);
// The axis over values and their intervals; one that dwarfs what it is about is not shown whole.
Axis ScoreAxis(const std::string& metric, const std::vector<report::Score>& scores);
// Its name in a legend: "full (baseline)".
Band BaselineBand(const std::string& name, const report::Score& score);
// "nothing to plot yet: …", by what state the sweep is in.
Status NothingYet(const report::SweepFacts& sweep, const std::string& missing);

}  // namespace lorikeet::plot
