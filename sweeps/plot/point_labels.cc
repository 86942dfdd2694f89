#include "sweeps/plot/point_labels.h"

#include <algorithm>
#include <vector>

#include "sweeps/plot/draw_panel.h"
#include "sweeps/plot/layout.h"
#include "sweeps/plot/palette.h"

namespace lorikeet::plot {
namespace {

constexpr double kSize = 6, kAway = 6, kWidest = 110;

bool Overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

// "rank=8" of "lora rank=8": the colour is the arm's.
std::string WithoutArm(const std::string& label) {
  const std::size_t space = label.find(' ');
  return space != std::string::npos && label.find('=', space) != std::string::npos ? label.substr(space + 1)
                                                                                   : label;
}

// What labels must not run into: `solid` never, `light` where there is another place.
struct Taken {
  std::vector<Box> solid, light;
};

// Whether the label found a place.
bool DrawLabel(const std::string& text, Place2 at, const Box& plot, bool over_light, Taken& taken,
               Canvas& canvas) {
  const double width = canvas.TextWidth(text, kSize);
  const Place2 candidates[] = {{at.x + kAway, at.y + 2},
                               {at.x - kAway - width, at.y + 2},
                               {at.x + 3, at.y - kAway},
                               {at.x + 3, at.y + kAway + 4},
                               {at.x - width - 3, at.y - kAway},
                               {at.x - width - 3, at.y + kAway + 4},
                               {at.x - width / 2, at.y - kAway - 3},
                               {at.x - width / 2, at.y + kAway + 7}};
  for (const Place2& candidate : candidates) {
    const Box box{candidate.x, candidate.y - kSize + 0.5, candidate.x + width, candidate.y + 1.5};
    const auto hit = [&](const Box& other) { return Overlap(box, other); };
    if (box.left < plot.left + 1 || box.right > plot.right + 2 || box.top < plot.top - 2 ||
        box.bottom > plot.bottom - 1 || std::any_of(taken.solid.begin(), taken.solid.end(), hit) ||
        (!over_light && std::any_of(taken.light.begin(), taken.light.end(), hit)))
      continue;
    if (over_light) canvas.Rectangle(box, {1, 1, 1}, 0.5);
    canvas.Text(candidate, text,
                {.size = kSize, .bold = false, .align = Align::kLeft, .colour = kInk, .upwards = false});
    taken.solid.push_back(box);
    return true;
  }
  return false;
}

}  // namespace

void DrawPointLabels(const Panel& panel, const Box& plot, Canvas& canvas) {
  Taken taken;
  std::vector<std::pair<Place2, std::string>> labels;
  for (const Line& line : panel.lines) {
    const std::vector<Place2> path = PathOf(panel, plot, line, 0);
    // Stairs alone: their boxes are the lines.
    for (std::size_t i = 1; i < path.size() && line.joined != Joined::kStraight; ++i) {
      taken.light.push_back({std::min(path[i - 1].x, path[i].x) - 1, std::min(path[i - 1].y, path[i].y) - 1,
                             std::max(path[i - 1].x, path[i].x) + 1, std::max(path[i - 1].y, path[i].y) + 1});
    }
    if (line.marker == Marker::kNone) continue;
    for (const Point& point : line.points) {
      const Place2 at = OnSheet(panel, plot, point.x, point.y);
      const double reach = point.ring ? 4.5 : 3;
      taken.solid.push_back({at.x - reach, at.y - reach, at.x + reach, at.y + reach});
      if (point.low && point.high) {
        taken.light.push_back({at.x - 1, OnSheet(panel, plot, point.x, *point.high).y, at.x + 1,
                               OnSheet(panel, plot, point.x, *point.low).y});
      }
      if (!point.label.empty())
        labels.emplace_back(at, Fit(WithoutArm(point.label), kWidest, kSize, false, canvas));
    }
  }
  if (panel.band) {
    const double y = OnSheet(panel, plot, panel.x.low, panel.band->mean).y;
    taken.light.push_back({plot.left, y - 0.5, plot.right, y + 0.5});
  }
  std::erase_if(labels, [&](const auto& label) {
    return DrawLabel(label.second, label.first, plot, false, taken, canvas);
  });
  for (const auto& [at, text] : labels) DrawLabel(text, at, plot, true, taken, canvas);
}

}  // namespace lorikeet::plot
