// Cairo's drawing onto an SVG, a PNG or a PDF in memory, in points of 1/72 inch from the top left.
//
// A Canvas is used by one thread; several may draw at a time. The same calls make the same bytes: no dates,
// no numbers that count up in the process. Text is drawn as outlines, so that a picture looks the same
// wherever it is shown; characters that the font lacks are drawn as boxes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "sweeps/plot/figure.h"

namespace lorikeet::plot {

enum class PictureFormat { kSvg, kPng, kPdf };

// Of a PNG; other formats know no pixels.
inline constexpr double kPixelsAPoint = 3;  // 216 an inch

struct Place2 {
  double x = 0, y = 0;
};
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

struct Stroke {
  Colour colour;
  double width = 1, opacity = 1;
  bool dashed = false;
};

enum class Align { kLeft, kCentre, kRight };
struct TextStyle {
  double size = 8;
  bool bold = false;
  Align align = Align::kLeft;
  Colour colour;
  bool upwards = false;  // turned by a quarter to the left
};

class Canvas {
 public:
  // Internal where Cairo cannot: for want of memory, say.
  static StatusOr<std::unique_ptr<Canvas>> Create(PictureFormat format, double width, double height);
  // One that draws nothing: to measure with.
  static StatusOr<std::unique_ptr<Canvas>> Measure();
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  double TextWidth(const std::string& text, double size, bool bold = false);
  // `at` is on the baseline.
  void Text(Place2 at, const std::string& text, const TextStyle& style);
  void Lines(const std::vector<Place2>& points, const Stroke& stroke);
  void Rectangle(const Box& box, const Colour& colour, double opacity);
  void Symbol(Place2 at, Marker marker, double size, const Colour& colour);
  void Ring(Place2 at, double size, const Colour& colour);
  // Until Unclip, nothing is drawn beyond the box.
  void Clip(const Box& box);
  void Unclip();

  // Whether there is no font but Cairo's own letters, which are plain, and ASCII alone.
  bool WithoutFonts();
  // The file's bytes; the canvas is used up. `title` and `description` go into an SVG, for readers that
  // speak.
  StatusOr<std::string> Finish(const std::string& title, const std::string& description);

 private:
  struct Impl;
  explicit Canvas(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::plot
