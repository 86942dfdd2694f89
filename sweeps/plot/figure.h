// A picture as plain numbers and words: what the drawings for paper and for terminals both draw.
//
// Plain types. Texts are clean (text.h): valid UTF-8 without control characters. Numbers are finite, and
// positive on a logarithmic axis, but for zeros where the axis has a place for them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lorikeet::plot {

enum class ScaleKind { kLinear, kLog2, kLog10, kCategories };

struct Tick {
  double value = 0;
  std::string text;
};

struct Axis {
  std::string label;
  ScaleKind scale = ScaleKind::kLinear;
  double low = 0, high = 1;  // what is shown; of categories: -0.5 to their number - 0.5
  std::vector<Tick> ticks;
  bool zero = false;  // logarithmic: zeros have a place of their own before the lowest value
};

enum class Marker { kNone, kCircle, kSquare, kTriangle, kDiamond, kCross, kTriangleDown };
inline constexpr int kMarkers = 6;  // without kNone

struct Colour {
  double red = 0, green = 0, blue = 0;
};

struct Point {
  double x = 0, y = 0;
  std::optional<double> low, high;  // an interval of y
  bool ring = false;                // stands out
  std::string label;                // beside the point, where there is room
};

// How a line's points are joined: not at all, one after the other, or by levels and risers that end at the
// panel's right or left edge.
enum class Joined { kNot, kStraight, kStairsRight, kStairsLeft };

struct Line {
  std::string label;  // in the legend; empty: not there
  Colour colour;
  Marker marker = Marker::kNone;
  Joined joined = Joined::kStraight;
  bool dashed = false;
  bool thin = false;   // one of many, behind the others
  bool above = false;  // before the others
  std::vector<Point> points;
};

// A level with its interval, over the panel's whole width.
struct Band {
  std::string label;
  double mean = 0;
  std::optional<double> low, high;
};

struct Panel {
  std::string title;
  Axis x, y;
  std::optional<Band> band;
  std::vector<Line> lines;
  bool beside = false;       // lines lie a little beside each other, so that their intervals are seen
  std::size_t left_out = 0;  // of the legend, which would not be read
};

struct Figure {
  std::string title;
  std::vector<Panel> panels;
  std::vector<Line> legend;        // what panels share; drawn once, below
  std::vector<std::string> notes;  // sentences at its foot
};

}  // namespace lorikeet::plot
