#include <algorithm>
#include <cstdlib>
#include <set>

#include "sweeps/plot/figures.h"
#include "sweeps/plot/palette.h"
#include "sweeps/plot/scale.h"
#include "sweeps/plot/text.h"

namespace lorikeet::plot {
namespace {

constexpr std::size_t kMostPanels = 12;
constexpr std::size_t kMostCategories = 200;

// Lines of one arm's one axis.
using Lines = std::vector<const report::SensitivityLine*>;

bool HasMean(const report::SensitivityLine& line) {
  return std::any_of(line.points.begin(), line.points.end(),
                     [](const report::SensitivityPoint& point) { return point.score.mean.has_value(); });
}

bool AllNumbers(const Lines& lines) {
  for (const report::SensitivityLine* line : lines) {
    for (const report::SensitivityPoint& point : line->points) {
      if (!point.number) return false;
    }
  }
  return true;
}

// What an axis is called: prompts have tokens.
std::string AxisLabel(const std::string& axis) {
  if (axis == "tokens") return "prompt tokens";
  std::string label = Clean(axis, 60);
  std::replace(label.begin(), label.end(), '_', ' ');
  return label;
}

Axis XAxis(const Lines& lines, std::vector<std::string>& categories) {
  const std::string label = AxisLabel(lines[0]->axis);
  const bool numbers = AllNumbers(lines);
  std::vector<Tick> ticks;
  std::set<std::string> seen;
  for (const report::SensitivityLine* line : lines) {
    for (const report::SensitivityPoint& point : line->points) {
      if (!seen.insert(point.value).second || (!numbers && ticks.size() == kMostCategories)) continue;
      ticks.push_back({.value = point.number.value_or(0), .text = Clean(point.value, 20)});
      categories.push_back(point.value);
    }
  }
  if (numbers) {
    const std::string& axis = lines[0]->axis;
    return ValuesAxis(label, ticks, axis == "rank" || axis == "tokens" || axis == "batch_size");
  }
  categories.resize(ticks.size());
  std::vector<std::string> names;
  names.reserve(ticks.size());
  for (const Tick& tick : ticks) names.push_back(tick.text);
  return CategoriesAxis(label, names);
}

// Whether anything can be seen of the axis.
bool Varies(const Lines& lines) {
  const std::string& first = lines[0]->points[0].value;
  return std::any_of(lines.begin(), lines.end(), [&](const report::SensitivityLine* line) {
    return line->points.size() > 1 || line->points[0].value != first;
  });
}

// References beside arms that train: their scores would take the room of those that are asked for.
bool IsReference(const Lines& lines) { return lines[0]->arm == "zero_shot" || lines[0]->arm == "lead"; }

// "rank=2" before "rank=10", "rate=3e-4" before "rate=0.001": numbers by their size.
bool NaturallyLess(const std::string& a, const std::string& b) {
  const char *left = a.c_str(), *right = b.c_str();
  while (*left != '\0' && *right != '\0') {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (digit(*left) && digit(*right)) {
      char *left_end = nullptr, *right_end = nullptr;
      const double left_value = std::strtod(left, &left_end), right_value = std::strtod(right, &right_end);
      if (left_value != right_value) return left_value < right_value;
      left = left_end;
      right = right_end;
    } else if (*left != *right) {
      return *left < *right;
    } else {
      ++left;
      ++right;
    }
  }
  return *left == '\0' && *right != '\0';
}

Panel PanelOf(const Lines& lines, const Axis& scores) {
  Panel panel;
  std::vector<std::string> categories;
  panel.x = XAxis(lines, categories);
  panel.y = scores;
  panel.beside = true;
  panel.title = Clean(lines[0]->arm, 60);
  std::size_t index = 0;
  for (const report::SensitivityLine* from : lines) {
    Line line;
    line.colour = lines.size() <= 2 * kHues
                      ? Hue(index)
                      : Shade(static_cast<double>(index) / static_cast<double>(lines.size() - 1));
    line.marker = MarkerOf(index);
    line.dashed = index / kHues % 2 == 1;
    if (index >= kMostLegend) {
      ++panel.left_out;
    } else if (!from->held.empty()) {
      line.label = Clean(from->held, 60);
    } else if (lines.size() > 1) {
      line.label = Clean(from->arm, 60);
    }
    ++index;
    for (const report::SensitivityPoint& point : from->points) {
      if (!point.score.mean) continue;
      double x = point.number.value_or(0);
      if (panel.x.scale == ScaleKind::kCategories) {
        const auto place = std::find(categories.begin(), categories.end(), point.value);
        if (place == categories.end()) continue;
        x = static_cast<double>(place - categories.begin());
      }
      line.points.push_back({.x = x,
                             .y = *point.score.mean,
                             .low = point.score.low,
                             .high = point.score.high,
                             .ring = false,
                             .label = ""});
    }
    if (panel.x.scale == ScaleKind::kCategories) line.joined = Joined::kNot;
    if (!line.points.empty()) panel.lines.push_back(std::move(line));
  }
  return panel;
}

// How many seeds points have, where they lack some.
std::string SeedsNote(const report::Sensitivity& read) {
  std::int64_t fewer = 0, none = 0;
  for (const report::SensitivityLine& line : read.lines) {
    for (const report::SensitivityPoint& point : line.points) {
      if (point.score.seeds == 0) {
        ++none;
      } else if (point.score.seeds < read.sweep.seeds && line.arm != "zero_shot" && line.arm != "lead") {
        ++fewer;
      }
    }
  }
  if (fewer + none == 0) return "";
  return fmt::format("{}{}{}.", fewer > 0 ? fmt::format("{} points lack seeds", fewer) : "",
                     fewer > 0 && none > 0 ? ", " : "",
                     none > 0 ? fmt::format("{} have no result and are left out", none) : "");
}

}  // namespace

StatusOr<Figure> SensitivityFigure(const report::Sensitivity& read) {
  if (read.lines.empty()) {
    return NothingYet(read.sweep,
                      "no arm has an axis (a list of ranks or of token counts in the sweep file)");
  }
  std::vector<Lines> groups;
  std::size_t with_means = 0;
  for (const report::SensitivityLine& line : read.lines) {
    if (!HasMean(line)) continue;
    ++with_means;
    if (groups.empty() || groups.back()[0]->arm != line.arm || groups.back()[0]->axis != line.axis)
      groups.emplace_back();
    groups.back().push_back(&line);
  }
  if (with_means == 0) return NothingYet(read.sweep, "no configuration with an axis has a result yet");
  if (groups.size() > 1 && std::any_of(groups.begin(), groups.end(), Varies))
    std::erase_if(groups, [](const Lines& group) { return !Varies(group); });
  if (!std::all_of(groups.begin(), groups.end(), IsReference)) std::erase_if(groups, IsReference);
  // What a paper shows comes first.
  std::stable_sort(groups.begin(), groups.end(), [](const Lines& left, const Lines& right) {
    const auto shown = [](const Lines& lines) {
      return lines[0]->axis == "rank" || lines[0]->axis == "tokens";
    };
    return shown(left) && !shown(right);
  });
  std::vector<report::Score> scores;
  for (Lines& group : groups) {
    for (const report::SensitivityLine* line : group) {
      for (const report::SensitivityPoint& point : line->points) scores.push_back(point.score);
    }
    std::stable_sort(group.begin(), group.end(), [](const auto* left, const auto* right) {
      return NaturallyLess(left->held, right->held);
    });
  }
  if (read.baseline_score.mean) scores.push_back(read.baseline_score);
  const Axis axis = ScoreAxis(read.metric, scores);
  Figure figure;
  figure.title = fmt::format("{}: sensitivity of {}", Clean(read.sweep.name, 80), MetricLabel(read.metric));
  for (const Lines& group : groups) {
    if (figure.panels.size() == kMostPanels) break;
    figure.panels.push_back(PanelOf(group, axis));
    if (read.baseline_score.mean)
      figure.panels.back().band = BaselineBand(read.baseline, read.baseline_score);
  }
  const bool intervals = std::any_of(scores.begin(), scores.end(),
                                     [](const report::Score& score) { return score.low.has_value(); });
  figure.notes = SweepNotes(read.sweep, intervals);
  if (!read.baseline_score.mean) figure.notes.emplace_back("The baseline has no result yet.");
  if (const std::string seeds = SeedsNote(read); !seeds.empty()) figure.notes.push_back(seeds);
  if (groups.size() > kMostPanels)
    figure.notes.push_back(fmt::format("{} more panels: choose by --axis.", groups.size() - kMostPanels));
  return figure;
}

}  // namespace lorikeet::plot
