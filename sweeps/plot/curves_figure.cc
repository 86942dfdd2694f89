#include <algorithm>
#include <limits>
#include <map>

#include "sweeps/plot/figures.h"
#include "sweeps/plot/palette.h"
#include "sweeps/plot/scale.h"
#include "sweeps/plot/text.h"

namespace lorikeet::plot {
namespace {

constexpr std::size_t kMostTogether = 6;  // configurations in one panel, each in a colour of its own
constexpr std::size_t kMostSeeds = 120;   // curves in a panel; of more, means alone
constexpr double kLeast = 1e-150, kMost = 1e150;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void Add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// Losses fall over decades, or a run that diverges climbs over them.
Axis ValueAxis(const std::string& metric, const std::vector<Panel>& panels) {
  Range range;
  for (const Panel& panel : panels) {
    for (const Line& line : panel.lines) {
      for (const Point& point : line.points) range.Add(point.y);
    }
  }
  const std::string label = MetricLabel(metric);
  if (range.low > 0 && range.high / range.low > 50)
    return CostAxis(label, "", std::max(range.low, kLeast), std::min(range.high, kMost), false);
  return LinearAxis(label, std::max(range.low, -kMost), std::min(range.high, kMost));
}

Axis StepAxis(const report::Curves& read) {
  Range range;
  for (const report::CurveGroup& group : read.groups) {
    for (const report::Curve& curve : group.seeds) {
      range.Add(static_cast<double>(curve.points.front().step));
      range.Add(static_cast<double>(curve.points.back().step));
    }
  }
  return LinearAxis("optimizer step", std::min(range.low, 0.0), range.high);
}

// What a configuration's lines share. The marker is for those of one point, which are no line to see.
struct Look {
  Colour colour;
  Marker marker = Marker::kCircle;
};

// The group's lines: thin ones for its seeds, where there are several, and their mean, or the one seed.
void AddGroup(const report::CurveGroup& group, const Look& look, bool named, bool seeds, Panel& panel) {
  const auto add = [&](bool thin) -> Line& {
    panel.lines.emplace_back();
    Line& line = panel.lines.back();
    line.colour = look.colour;
    line.thin = thin;
    return line;
  };
  const auto fill = [&](Line& line, const auto& points, const auto& value) {
    for (const auto& point : points)
      line.points.push_back({static_cast<double>(point.step), value(point), {}, {}, false, ""});
    if (line.points.size() == 1) line.marker = look.marker;
  };
  const auto value = [](const report::CurvePoint& point) { return point.value; };
  const bool alone = group.seeds.size() == 1;
  if (seeds || group.mean.empty()) {
    for (const report::Curve& curve : group.seeds) fill(add(!alone), curve.points, value);
  }
  if (!group.mean.empty()) {
    fill(add(false), group.mean, [](const report::MeanPoint& point) { return point.mean; });
  } else if (!alone) {
    panel.lines.emplace_back().colour = look.colour;  // for the legend
  }
  if (named)
    panel.lines.back().label = Clean(group.configuration, 60) + (group.baseline ? " (baseline)" : "");
}

// Which of many have their names in the legend: the first, the last, and some between.
bool Named(std::size_t index, std::size_t count) {
  if (count <= kMostLegend) return true;
  for (std::size_t i = 0; i < kMostLegend; ++i) {
    if (i * (count - 1) / (kMostLegend - 1) == index) return true;
  }
  return false;
}

// Whether each seed is shown.
bool AddGroups(const std::vector<const report::CurveGroup*>& groups, Panel& panel) {
  std::size_t curves = 0;
  for (const report::CurveGroup* group : groups) curves += group->seeds.size();
  const bool seeds = curves <= kMostSeeds;
  std::size_t index = 0;
  const std::size_t count = static_cast<std::size_t>(std::count_if(
      groups.begin(), groups.end(), [](const report::CurveGroup* group) { return !group->baseline; }));
  for (const report::CurveGroup* group : groups) {
    if (group->baseline) {
      AddGroup(*group, {.colour = kBaselineColour, .marker = Marker::kCircle}, true, seeds, panel);
      panel.lines.back().above = true;
      continue;
    }
    const bool named = Named(index, count);
    if (!named) ++panel.left_out;
    const Colour colour = count <= kMostTogether
                              ? Hue(index)
                              : Shade(static_cast<double>(index) / static_cast<double>(count - 1));
    AddGroup(*group, {.colour = colour, .marker = MarkerOf(index + 1)}, named, seeds, panel);
    ++index;
  }
  // Thin lines lie behind.
  std::stable_sort(panel.lines.begin(), panel.lines.end(),
                   [](const Line& a, const Line& b) { return a.thin > b.thin; });
  return seeds;
}

}  // namespace

StatusOr<Figure> CurvesFigure(const report::Curves& read) {
  if (read.groups.empty()) {
    return NothingYet(read.sweep, read.metrics.empty()
                                      ? std::string("no trial has reported a step yet")
                                      : "no trial has reported " + Clean(read.metric, 60) + " yet");
  }
  Figure figure;
  figure.title = fmt::format("{}: {} while training", Clean(read.sweep.name, 80), MetricLabel(read.metric));
  Panel blank;
  blank.x = StepAxis(read);
  std::vector<const report::CurveGroup*> all, baseline;
  std::vector<std::pair<std::string, std::vector<const report::CurveGroup*>>> arms;
  bool several = false, seeds = true;
  std::int64_t not_numbers = 0;
  for (const report::CurveGroup& group : read.groups) {
    all.push_back(&group);
    if (group.baseline) baseline.push_back(&group);
    if (arms.empty() || arms.back().first != group.arm) arms.push_back({group.arm, {}});
    arms.back().second.push_back(&group);
    several = several || group.seeds.size() > 1;
    for (const report::Curve& curve : group.seeds) not_numbers += curve.not_numbers;
  }
  if (all.size() <= kMostTogether + baseline.size()) {
    figure.panels.push_back(blank);
    seeds = AddGroups(all, figure.panels.back());
  } else {
    for (auto& [arm, groups] : arms) {
      if (groups == baseline && arms.size() > 1) continue;  // beside each of the others
      if (std::none_of(groups.begin(), groups.end(), [](const auto* group) { return group->baseline; }))
        groups.insert(groups.begin(), baseline.begin(), baseline.end());
      figure.panels.push_back(blank);
      figure.panels.back().title = Clean(arm, 60);
      seeds = AddGroups(groups, figure.panels.back()) && seeds;
    }
  }
  const Axis values = ValueAxis(read.metric, figure.panels);
  for (Panel& panel : figure.panels) panel.y = values;
  figure.notes = SweepNotes(read.sweep, false);
  if (several) {
    figure.notes.emplace_back(
        seeds ? "Thin: one seed each. Thick: their mean, as far as all of them go."
              : "Means over seeds, as far as all of them go; of many curves, not each seed's.");
  }
  if (read.left_out > 0) {
    figure.notes.push_back(
        fmt::format("The first {} trials alone, in the table's order; {} more have started.", read.trials,
                    read.left_out));
  }
  if (not_numbers > 0)
    figure.notes.push_back(fmt::format("{} values that are no numbers are left out.", not_numbers));
  return figure;
}

}  // namespace lorikeet::plot
