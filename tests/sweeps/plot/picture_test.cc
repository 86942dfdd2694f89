// Pictures by their bytes: where points lie, what is escaped, how many pixels.
#include "sweeps/plot/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <thread>

#include "sweeps/plot/draw_panel.h"
#include "sweeps/plot/figures.h"
#include "sweeps/plot/layout.h"
#include "sweeps/plot/palette.h"
#include "tests/sweeps/plot/reads.h"

namespace lorikeet::plot {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Draw(const Figure& figure, PictureFormat format = PictureFormat::kSvg, Size size = {}) {
  const auto picture = DrawPicture(figure, format, size);
  EXPECT_TRUE(picture.ok()) << picture.status();
  return picture.ok() ? picture->bytes : "";
}

Layout LayoutOf(const Figure& figure, double width = 0) {
  return *LayOut(figure, width, 0, **Canvas::Measure());
}

std::uint32_t BigEndian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

// The first points of the SVG's paths that are filled with a colour, which are those of symbols' outlines.
std::vector<Place2> FilledPaths(const std::string& svg, const std::string& rgb) {
  std::vector<Place2> places;
  const std::regex path("fill:" + rgb + ";[^>]* d=\"M ([-0-9.]+) ([-0-9.]+) ");
  for (std::sregex_iterator it(svg.begin(), svg.end(), path), end; it != end; ++it)
    places.push_back({std::stod((*it)[1]), std::stod((*it)[2])});
  return places;
}

TEST(PictureTest, PointsLieWhereTheirValuesSay) {
  const Figure figure = *SensitivityFigure(MakeSensitivity());
  const std::string svg = Draw(figure);
  const Layout layout = LayoutOf(figure);
  // Blue, as cairo writes it; an arc begins at its rightmost point.
  const std::vector<Place2> circles = FilledPaths(svg, "rgb\\(0%,44\\.\\d+%,69\\.\\d+%\\)");
  ASSERT_EQ(circles.size(), 3u);
  const Box& plot = layout.panels[0].plot;
  for (std::size_t i = 0; i < 3; ++i) {
    const Point& point = figure.panels[0].lines[0].points[i];
    const Place2 at = OnSheet(figure.panels[0], plot, point.x, point.y);
    EXPECT_NEAR(circles[i].x, at.x + 2.3, 0.02) << i;
    EXPECT_NEAR(circles[i].y, at.y, 0.02) << i;
  }
  // The axes by hand: air of a twentieth at both ends of four doublings, and scores evenly.
  const Axis& scores = figure.panels[0].y;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(circles[i].x - 2.3, plot.left + plot.width() * (0.05 + 0.5 * static_cast<double>(i)) / 1.1,
                0.02);
    EXPECT_NEAR(circles[i].y,
                plot.bottom - plot.height() * (40 + 2 * static_cast<double>(i) - scores.low) /
                                  (scores.high - scores.low),
                0.02);
  }
  // Ranks 1, 4 and 16 are two doublings apart each, their scores two points: a straight line.
  EXPECT_NEAR(circles[1].x - circles[0].x, circles[2].x - circles[1].x, 0.02);
  EXPECT_NEAR(circles[1].y - circles[0].y, circles[2].y - circles[1].y, 0.02);
  EXPECT_LT(circles[2].y, circles[0].y);
  EXPECT_GT(circles[2].x, circles[0].x + 50);
}

TEST(PictureTest, TheSameBytesTwiceAndFromSeveralThreads) {
  for (const PictureFormat format : {PictureFormat::kSvg, PictureFormat::kPng, PictureFormat::kPdf}) {
    const Figure figure = *ParetoFigure(MakePareto());
    const std::string first = Draw(figure, format);
    Draw(*SensitivityFigure(MakeSensitivity(3)), format);
    std::vector<std::string> others(3);
    std::vector<std::thread> threads;
    for (std::string& other : others) threads.emplace_back([&] { other = Draw(figure, format); });
    for (std::thread& thread : threads) thread.join();
    for (const std::string& other : others) EXPECT_TRUE(other == first) << static_cast<int>(format);
    EXPECT_GT(first.size(), 5000u);
  }
}

TEST(PictureTest, FormatsAndSizes) {
  const Figure figure = *SensitivityFigure(MakeSensitivity());
  const std::string svg = Draw(figure, PictureFormat::kSvg, {.width = 300, .height = 220});
  EXPECT_THAT(svg, HasSubstr("width=\"300pt\" height=\"220pt\""));
  EXPECT_THAT(Draw(figure, PictureFormat::kPdf), StartsWith("%PDF-"));
  EXPECT_THAT(Draw(figure, PictureFormat::kPdf), HasSubstr("/CreationDate (20000101000000Z)"));
  const std::string png = Draw(figure, PictureFormat::kPng, {.width = 300, .height = 220});
  EXPECT_THAT(png, StartsWith("\x89PNG"));
  EXPECT_EQ(BigEndian(png, 16), 900u);
  EXPECT_EQ(BigEndian(png, 20), 660u);
  EXPECT_THAT(Draw(figure), HasSubstr("width=\"252pt\""));
  EXPECT_THAT(Draw(*ParetoFigure(MakePareto())), HasSubstr("width=\"504pt\""));
}

TEST(PictureTest, SizesThatCannotBeAreRefused) {
  const Figure figure = *SensitivityFigure(MakeSensitivity());
  const auto refused = [&](double width, double height) {
    const Status status =
        DrawPicture(figure, PictureFormat::kSvg, {.width = width, .height = height}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return Message(status);
  };
  EXPECT_EQ(refused(50, 0), "a width of 50 points: from 120 to 1440 (72 are an inch)");
  EXPECT_THAT(refused(0, 1e6), HasSubstr("a height of"));
  EXPECT_THAT(refused(-300, 0), HasSubstr("a width of -300"));
  EXPECT_THAT(refused(400, 120) + refused(130, 120), HasSubstr("leaves no room for the plots"));
}

TEST(PictureTest, WhatIsDrawnFitsTheSheetAtAnyWidth) {
  for (const double width : {120.0, 252.0, 504.0, 1000.0}) {
    for (const Figure& figure : {*SensitivityFigure(MakeSensitivity(7)), *CurvesFigure(MakeCurves(5, 2)),
                                 *ParetoFigure(MakePareto())}) {
      const Layout layout = LayoutOf(figure, width);
      EXPECT_EQ(layout.panels.size(), figure.panels.size());
      double bottom = 0;
      for (const PanelLayout& panel : layout.panels) {
        EXPECT_GE(panel.plot.left, 0);
        EXPECT_LE(panel.plot.right, width);
        EXPECT_GE(panel.plot.width(), 20);
        EXPECT_GT(panel.plot.height(), 10);
        bottom = std::max(bottom, panel.x_label.y);
        for (const LegendEntry& entry : panel.legend) bottom = std::max(bottom, entry.at.y);
      }
      for (const LegendEntry& entry : layout.legend) EXPECT_GT(entry.at.y, bottom);
      for (const auto& [at, text] : layout.notes) {
        EXPECT_GT(at.y, bottom);
        EXPECT_LT(at.y, layout.height);
      }
    }
  }
}

TEST(PictureTest, HostileNamesAreEscapedAndDrawn) {
  report::Sensitivity read = MakeSensitivity(2);
  read.sweep.name = "</title><script>alert('x' & \"y\")</script>\x01\xff";
  read.lines[0].held = std::string(5000, 'W') + "\u202E";
  read.lines[0].points[0].value = std::string(3000, '9');
  read.lines[0].axis = read.lines[1].axis = "a\nb";
  for (const PictureFormat format : {PictureFormat::kSvg, PictureFormat::kPng, PictureFormat::kPdf})
    EXPECT_GT(Draw(*SensitivityFigure(read), format).size(), 1000u);
  const std::string svg = Draw(*SensitivityFigure(read));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr("<title>&lt;/title&gt;&lt;script&gt;"));
}

TEST(PictureTest, OnePointAndExtremesAreDrawn) {
  report::Sensitivity one = MakeSensitivity();
  one.lines[0].points.resize(1);
  one.lines[0].points[0].score.low = one.lines[0].points[0].score.high = std::nullopt;
  one.baseline_score = {};
  EXPECT_THAT(Draw(*SensitivityFigure(one)), HasSubstr("</svg>"));
  report::Curves curves = MakeCurves(1, 1, 1);
  EXPECT_THAT(Draw(*CurvesFigure(curves)), HasSubstr("</svg>"));
  curves = MakeCurves(2, 1, 3);
  curves.groups[0].seeds[0].points[1].value = 1e300;
  curves.groups[1].seeds[0].points[1].value = -1e300;
  curves.groups[1].seeds[0].points[2].step = std::int64_t{1} << 52;
  for (const std::string& svg : {Draw(*CurvesFigure(curves))}) {
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
  }
}

TEST(PictureTest, FiveHundredCurvesStaySmallAndQuick) {
  const auto begun = std::chrono::steady_clock::now();
  const std::string svg = Draw(*CurvesFigure(MakeCurves(100, 5, 80)));
  EXPECT_LT(svg.size(), 2'500'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

}  // namespace
}  // namespace lorikeet::plot
