#include "sweeps/plot/picture.h"

#include <algorithm>
#include <cmath>

#include "sweeps/plot/draw_panel.h"
#include "sweeps/plot/layout.h"
#include "sweeps/plot/palette.h"

namespace lorikeet::plot {
namespace {

Status CheckSide(const char* side, double points) {
  if (points == 0 || (points >= kLeastSide && points <= kMostSide)) return absl::OkStatus();
  return InvalidArgument("a {} of {:g} points: from {:.0f} to {:.0f} (72 are an inch)", side, points,
                         kLeastSide, kMostSide);
}

}  // namespace

StatusOr<Picture> DrawPicture(const Figure& figure, PictureFormat format, const Size& size) {
  RETURN_IF_ERROR(CheckSide("width", size.width));
  RETURN_IF_ERROR(CheckSide("height", size.height));
  ASSIGN_OR_RETURN(const std::unique_ptr<Canvas> ruler, Canvas::Measure());
  ASSIGN_OR_RETURN(const Layout layout, LayOut(figure, size.width, size.height, *ruler));
  if (layout.height > kMostSide) {
    return InvalidArgument(
        "the picture would be {:.0f} points high, more than {:.0f}; choose what to draw, or a larger width",
        layout.height, kMostSide);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Canvas> canvas, Canvas::Create(format, layout.width, layout.height));
  canvas->Text(layout.title, layout.title_text,
               {.size = kTitleSize, .bold = true, .align = Align::kLeft, .colour = kInk});
  for (std::size_t i = 0; i < figure.panels.size(); ++i)
    DrawPanel(figure.panels[i], layout.panels[i], *canvas);
  for (const LegendEntry& entry : layout.legend) DrawLegendEntry(entry, *canvas);
  for (const auto& [at, text] : layout.notes)
    canvas->Text(at, text, {.size = kNoteSize, .bold = false, .align = Align::kLeft, .colour = kFaint});
  Picture picture;
  picture.without_fonts = canvas->WithoutFonts();
  ASSIGN_OR_RETURN(picture.bytes,
                   canvas->Finish(figure.title, fmt::format("{}", fmt::join(figure.notes, " "))));
  return picture;
}

}  // namespace lorikeet::plot
