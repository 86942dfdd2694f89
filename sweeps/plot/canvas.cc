#include "sweeps/plot/canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>

#include <cmath>
#include <new>
#include <numbers>

#include "sweeps/plot/text.h"

#if defined(__SANITIZE_ADDRESS__)  // GCC
#define LORIKEET_LEAKS_ARE_LOOKED_FOR
#elif defined(__has_feature)  // Clang
#if __has_feature(address_sanitizer)
#define LORIKEET_LEAKS_ARE_LOOKED_FOR
#endif
#endif
#ifdef LORIKEET_LEAKS_ARE_LOOKED_FOR
// Fontconfig knows its fonts by offsets, which the sanitizer does not follow as it does pointers.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
#endif

namespace lorikeet::plot {
namespace {

constexpr const char* kFont = "DejaVu Sans";  // fontconfig takes another where it is not there
// Points of long lines lie on a grid too fine to see: their numbers are shorter.
constexpr std::size_t kLongLine = 50;
constexpr double kGridPoints = 16;  // a point
constexpr double kDashes[] = {3, 2};

cairo_status_t Append(void* text, const unsigned char* data, unsigned int size) {
  try {
    static_cast<std::string*>(text)->append(reinterpret_cast<const char*>(data), size);
    return CAIRO_STATUS_SUCCESS;
  } catch (const std::bad_alloc&) {  // Cairo is C: nothing may be thrown through it
    return CAIRO_STATUS_NO_MEMORY;
  }
}

void Paint(cairo_t* cairo, const Colour& colour, double opacity = 1) {
  cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, opacity);
}

// Cairo numbers the surfaces of a process; the picture of a database does not depend on those before it.
void Unnumber(std::string& svg) {
  static constexpr std::string_view kId = "id=\"surface";
  for (std::size_t at = svg.find(kId); at != std::string::npos; at = svg.find(kId, at + 1)) {
    const std::size_t begin = at + kId.size(), end = svg.find('"', begin);
    if (end == std::string::npos) return;
    svg.erase(begin, end - begin);
  }
}

}  // namespace

struct Canvas::Impl {
  PictureFormat format = PictureFormat::kSvg;
  std::string bytes;
  cairo_surface_t* surface = nullptr;
  cairo_t* cairo = nullptr;

  ~Impl() {
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
  }
  void Font(double size, bool bold) {
    cairo_select_font_face(cairo, kFont, CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, size);
  }
};

Canvas::Canvas(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Canvas::~Canvas() = default;

StatusOr<std::unique_ptr<Canvas>> Canvas::Create(PictureFormat format, double width, double height) {
  auto impl = std::make_unique<Impl>();
  impl->format = format;
  switch (format) {
    case PictureFormat::kSvg:
      impl->surface = cairo_svg_surface_create_for_stream(Append, &impl->bytes, width, height);
      break;
    case PictureFormat::kPdf:
      impl->surface = cairo_pdf_surface_create_for_stream(Append, &impl->bytes, width, height);
      // Without it, the time of day.
      cairo_pdf_surface_set_metadata(impl->surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
      break;
    case PictureFormat::kPng:
      impl->surface =
          cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(std::lround(width * kPixelsAPoint)),
                                     static_cast<int>(std::lround(height * kPixelsAPoint)));
      break;
  }
  impl->cairo = cairo_create(impl->surface);
  if (const cairo_status_t status = cairo_status(impl->cairo); status != CAIRO_STATUS_SUCCESS)
    return Internal("cannot draw: {}", cairo_status_to_string(status));
  if (format == PictureFormat::kPng) cairo_scale(impl->cairo, kPixelsAPoint, kPixelsAPoint);
  // As wide at any size: what was measured is what is drawn.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(impl->cairo, options);
  cairo_font_options_destroy(options);
  cairo_set_line_join(impl->cairo, CAIRO_LINE_JOIN_ROUND);
  Paint(impl->cairo, {1, 1, 1});
  cairo_paint(impl->cairo);
  return std::unique_ptr<Canvas>(new Canvas(std::move(impl)));
}

StatusOr<std::unique_ptr<Canvas>> Canvas::Measure() { return Create(PictureFormat::kPng, 1, 1); }

double Canvas::TextWidth(const std::string& text, double size, bool bold) {
  impl_->Font(size, bold);
  cairo_text_extents_t extents;
  cairo_text_extents(impl_->cairo, text.c_str(), &extents);
  return extents.x_advance;
}

void Canvas::Text(Place2 at, const std::string& text, const TextStyle& style) {
  if (text.empty()) return;
  const double width = TextWidth(text, style.size, style.bold);
  const double shift = style.align == Align::kLeft ? 0 : style.align == Align::kRight ? -width : -width / 2;
  Paint(impl_->cairo, style.colour);
  cairo_save(impl_->cairo);
  cairo_translate(impl_->cairo, at.x, at.y);
  if (style.upwards) cairo_rotate(impl_->cairo, -std::numbers::pi / 2);
  cairo_move_to(impl_->cairo, shift, 0);
  cairo_show_text(impl_->cairo, text.c_str());
  cairo_restore(impl_->cairo);
}

void Canvas::Lines(const std::vector<Place2>& points, const Stroke& stroke) {
  if (points.empty()) return;
  const bool snap = points.size() >= kLongLine;
  const auto on = [&](double at) { return snap ? std::round(at * kGridPoints) / kGridPoints : at; };
  cairo_new_path(impl_->cairo);
  for (const Place2& point : points) cairo_line_to(impl_->cairo, on(point.x), on(point.y));
  Paint(impl_->cairo, stroke.colour, stroke.opacity);
  cairo_set_line_width(impl_->cairo, stroke.width);
  cairo_set_dash(impl_->cairo, kDashes, stroke.dashed ? 2 : 0, 0);
  cairo_stroke(impl_->cairo);
}

void Canvas::Rectangle(const Box& box, const Colour& colour, double opacity) {
  cairo_rectangle(impl_->cairo, box.left, box.top, box.width(), box.height());
  Paint(impl_->cairo, colour, opacity);
  cairo_fill(impl_->cairo);
}

void Canvas::Symbol(Place2 at, Marker marker, double size, const Colour& colour) {
  cairo_t* cairo = impl_->cairo;
  const double half = size / 2;
  const auto shape = [&](const std::vector<Place2>& corners) {
    for (const Place2& corner : corners) cairo_line_to(cairo, at.x + corner.x * half, at.y + corner.y * half);
    cairo_close_path(cairo);
  };
  cairo_new_path(cairo);
  switch (marker) {
    case Marker::kNone:
      return;
    case Marker::kCircle:
      cairo_arc(cairo, at.x, at.y, half, 0, 2 * std::numbers::pi);
      break;
    case Marker::kSquare:
      shape({{-0.88, -0.88}, {0.88, -0.88}, {0.88, 0.88}, {-0.88, 0.88}});
      break;
    case Marker::kTriangle:
      shape({{0, -1.15}, {1.1, 0.8}, {-1.1, 0.8}});
      break;
    case Marker::kTriangleDown:
      shape({{0, 1.15}, {1.1, -0.8}, {-1.1, -0.8}});
      break;
    case Marker::kDiamond:
      shape({{0, -1.25}, {1.25, 0}, {0, 1.25}, {-1.25, 0}});
      break;
    case Marker::kCross:
      shape({{-0.35, -1.1},
             {0.35, -1.1},
             {0.35, -0.35},
             {1.1, -0.35},
             {1.1, 0.35},
             {0.35, 0.35},
             {0.35, 1.1},
             {-0.35, 1.1},
             {-0.35, 0.35},
             {-1.1, 0.35},
             {-1.1, -0.35},
             {-0.35, -0.35}});
      break;
  }
  Paint(cairo, colour);
  cairo_fill(cairo);
}

void Canvas::Ring(Place2 at, double size, const Colour& colour) {
  cairo_new_path(impl_->cairo);
  cairo_arc(impl_->cairo, at.x, at.y, size / 2, 0, 2 * std::numbers::pi);
  Paint(impl_->cairo, colour);
  cairo_set_line_width(impl_->cairo, 0.7);
  cairo_set_dash(impl_->cairo, nullptr, 0, 0);
  cairo_stroke(impl_->cairo);
}

void Canvas::Clip(const Box& box) {
  cairo_save(impl_->cairo);
  cairo_rectangle(impl_->cairo, box.left, box.top, box.width(), box.height());
  cairo_clip(impl_->cairo);
}

void Canvas::Unclip() { cairo_restore(impl_->cairo); }

bool Canvas::WithoutFonts() {
  impl_->Font(8, false);
  return cairo_scaled_font_get_type(cairo_get_scaled_font(impl_->cairo)) == CAIRO_FONT_TYPE_USER;
}

StatusOr<std::string> Canvas::Finish(const std::string& title, const std::string& description) {
  cairo_status_t status = cairo_status(impl_->cairo);
  if (status == CAIRO_STATUS_SUCCESS && impl_->format == PictureFormat::kPng) {
    cairo_surface_flush(impl_->surface);
    status = cairo_surface_write_to_png_stream(impl_->surface, Append, &impl_->bytes);
  }
  cairo_surface_finish(impl_->surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(impl_->surface);
  if (status != CAIRO_STATUS_SUCCESS) return Internal("cannot draw: {}", cairo_status_to_string(status));
  if (impl_->format == PictureFormat::kSvg) {
    Unnumber(impl_->bytes);
    const std::size_t root = impl_->bytes.find("<svg"), end = impl_->bytes.find('>', root);
    if (root == std::string::npos || end == std::string::npos)
      return Internal("cannot draw: Cairo made no SVG");
    impl_->bytes.insert(
        end + 1, fmt::format("\n<title>{}</title>\n<desc>{}</desc>", Escaped(title), Escaped(description)));
  }
  return std::move(impl_->bytes);
}

}  // namespace lorikeet::plot
