#include "sweeps/plot/point_labels.h"

#include <algorithm>
#include <vector>

#include "sweeps/plot/draw_panel.h"
#include "sweeps/plot/palette.h"

namespace lorikeet::plot {
namespace {

constexpr double kSize = 6, kAway = 6;

bool Overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

}  // namespace

void DrawPointLabels(const Panel& panel, const Box& plot, Canvas& canvas) {
  std::vector<Box> taken;
  std::vector<std::pair<Place2, std::string>> labels;
  for (const Line& line : panel.lines) {
    const std::vector<Place2> path = PathOf(panel, plot, line, 0);
    // Stairs alone: their boxes are the lines.
    for (std::size_t i = 1; i < path.size() && line.joined != Joined::kStraight; ++i) {
      taken.push_back({std::min(path[i - 1].x, path[i].x) - 1, std::min(path[i - 1].y, path[i].y) - 1,
                       std::max(path[i - 1].x, path[i].x) + 1, std::max(path[i - 1].y, path[i].y) + 1});
    }
    if (line.marker == Marker::kNone) continue;
    for (const Point& point : line.points) {
      const Place2 at = OnSheet(panel, plot, point.x, point.y);
      taken.push_back({at.x - 3, at.y - 3, at.x + 3, at.y + 3});
      if (point.low && point.high) {
        taken.push_back({at.x - 1, OnSheet(panel, plot, point.x, *point.high).y, at.x + 1,
                         OnSheet(panel, plot, point.x, *point.low).y});
      }
      if (!point.label.empty()) labels.emplace_back(at, point.label);
    }
  }
  if (panel.band) {
    const double y = OnSheet(panel, plot, panel.x.low, panel.band->mean).y;
    taken.push_back({plot.left, y - 0.5, plot.right, y + 0.5});
  }
  for (const auto& [at, text] : labels) {
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
      if (box.left < plot.left + 1 || box.right > plot.right + 2 || box.top < plot.top - 2 ||
          box.bottom > plot.bottom - 1)
        continue;
      if (std::any_of(taken.begin(), taken.end(), [&](const Box& other) { return Overlap(box, other); }))
        continue;
      canvas.Text(candidate, text,
                  {.size = kSize, .bold = false, .align = Align::kLeft, .colour = kInk, .upwards = false});
      taken.push_back(box);
      break;
    }
  }
}

}  // namespace lorikeet::plot
