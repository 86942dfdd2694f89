#include <algorithm>
#include <limits>
#include <map>

#include "sweeps/plot/figures.h"
#include "sweeps/plot/palette.h"
#include "sweeps/plot/scale.h"
#include "sweeps/plot/text.h"

namespace lorikeet::plot {
namespace {

constexpr double kLeast = 1e-150, kMost = 1e150;

bool Drawn(const report::ParetoPoint& point) { return point.score.mean && point.cost; }

// Positive costs lie on a logarithmic axis, zeros before it.
Axis XAxis(const report::ParetoPanel& panel) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  bool zero = false;
  for (const report::ParetoPoint& point : panel.points) {
    if (!Drawn(point)) continue;
    zero = zero || *point.cost == 0;
    if (*point.cost == 0) continue;
    low = std::min(low, *point.cost);
    high = std::max(high, *point.cost);
  }
  std::string label = panel.cost.label;
  if (std::string(panel.cost.unit) == "tokens/s") label += ", tokens/s";
  label += panel.cost.more_is_better ? " (better →)" : " (← better)";
  if (high == 0) low = high = 1;  // nothing but zeros
  return CostAxis(label, panel.cost.unit, std::max(low, kLeast), std::min(high, kMost), zero);
}

// From the cheapest of the front to the dearest, each level until the next is paid for.
Line FrontOf(const report::ParetoPanel& panel) {
  Line front;
  front.colour = kFaint;
  front.joined = panel.cost.more_is_better ? Joined::kStairsLeft : Joined::kStairsRight;
  for (const report::ParetoPoint& point : panel.points) {
    if (!point.front) continue;
    front.points.push_back(
        {.x = *point.cost, .y = *point.score.mean, .low = {}, .high = {}, .ring = false, .label = ""});
  }
  const bool more = panel.cost.more_is_better;
  std::stable_sort(front.points.begin(), front.points.end(),
                   [&](const Point& a, const Point& b) { return more ? a.x > b.x : a.x < b.x; });
  return front;
}

}  // namespace

StatusOr<Figure> ParetoFigure(const report::Pareto& read) {
  std::vector<report::Score> scores;
  std::vector<std::string> arms;
  report::Score baseline;
  std::string baseline_name;
  for (const report::ParetoPoint& point : read.panels.front().points) {
    scores.push_back(point.score);
    if (std::find(arms.begin(), arms.end(), point.arm) == arms.end()) arms.push_back(point.arm);
    if (!point.baseline) continue;
    baseline = point.score;
    baseline_name = point.configuration;
  }
  if (std::none_of(scores.begin(), scores.end(),
                   [](const report::Score& score) { return score.mean.has_value(); }))
    return NothingYet(read.sweep, "no trial has a result yet");
  const Axis axis = ScoreAxis(read.metric, scores);
  Figure figure;
  figure.title = fmt::format("{}: {} by cost", Clean(read.sweep.name, 80), MetricLabel(read.metric));
  std::map<std::string, std::size_t> shown;  // arms that some panel shows
  std::vector<std::string> without;
  for (const report::ParetoPanel& from : read.panels) {
    if (std::none_of(from.points.begin(), from.points.end(), Drawn)) {
      without.emplace_back(from.cost.label);
      continue;
    }
    Panel panel;
    panel.x = XAxis(from);
    panel.y = axis;
    if (baseline.mean) panel.band = BaselineBand(baseline_name, baseline);
    panel.lines.push_back(FrontOf(from));
    for (std::size_t i = 0; i < arms.size(); ++i) {
      Line line;
      line.colour = Hue(i);
      line.marker = MarkerOf(i);
      line.joined = Joined::kNot;
      for (const report::ParetoPoint& point : from.points) {
        if (point.arm != arms[i] || !Drawn(point)) continue;
        line.points.push_back({.x = *point.cost,
                               .y = *point.score.mean,
                               .low = point.score.low,
                               .high = point.score.high,
                               .ring = point.front,
                               .label = point.front ? Clean(point.configuration, 60) : ""});
      }
      if (line.points.empty()) continue;
      shown[arms[i]] = i;
      panel.lines.push_back(std::move(line));
    }
    figure.panels.push_back(std::move(panel));
  }
  if (figure.panels.empty()) {
    return NothingYet(read.sweep,
                      fmt::format("no row has a {} (seeds on several device models have none, nor has what "
                                  "trains or generates nothing)",
                                  fmt::join(without, ", ")));
  }
  for (const std::string& arm : arms) {
    if (shown.contains(arm) && figure.legend.size() < kMostLegend) {
      Line line;
      line.label = Clean(arm, 40);
      line.colour = Hue(shown[arm]);
      line.marker = MarkerOf(shown[arm]);
      line.joined = Joined::kNot;
      figure.legend.push_back(std::move(line));
    }
  }
  Line front;
  front.label = "Pareto front (its rows ringed)";
  front.colour = kFaint;
  figure.legend.push_back(std::move(front));
  const bool intervals = std::any_of(scores.begin(), scores.end(),
                                     [](const report::Score& score) { return score.low.has_value(); });
  figure.notes = SweepNotes(read.sweep, intervals);
  if (!read.benchmark_device_model.empty()) {
    figure.notes.push_back(
        fmt::format("Summaries alone were measured on {}.", Clean(read.benchmark_device_model, 60)));
  }
  if (!read.device_models.empty()) {
    std::vector<std::string> models;
    for (std::size_t i = 0; i < std::min<std::size_t>(read.device_models.size(), 3); ++i)
      models.push_back(Clean(read.device_models[i], 60));
    figure.notes.push_back(
        fmt::format("Costs were measured on {}{}.", fmt::join(models, "; "),
                    read.device_models.size() > 1 ? ": rows differ for that reason too" : ""));
  }
  if (!without.empty() && read.panels.size() > 1)
    figure.notes.push_back(fmt::format("No row has a {}.", fmt::join(without, ", nor a ")));
  return figure;
}

}  // namespace lorikeet::plot
