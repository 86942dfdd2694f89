#include "sweeps/plot/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "common/json.h"
#include "sweeps/plot/figures.h"
#include "sweeps/plot/text.h"
#include "tests/sweeps/plot/reads.h"

namespace lorikeet::plot {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> LinesOf(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(TerminalTest, APictureAsAPersonSeesIt) {
  report::Sensitivity read = MakeSensitivity();
  read.baseline_score.low = read.baseline_score.high = std::nullopt;
  for (report::SensitivityPoint& point : read.lines[0].points)
    point.score.low = point.score.high = std::nullopt;
  EXPECT_EQ(
      DrawInTerminal(*SensitivityFigure(read), {.columns = 40, .rows = 9, .colour = false, .ascii = true}),
      R"(demo: sensitivity of ROUGE-1

lora
ROUGE-1 (%)
44 +                                o
   |                             ...
43 +------------------------.....------
   |                    ....
42 +               ..o..
   |           ....
41 +      .....
   |   ...
40 +  o
   +--+--------------+--------------+--
      1              4             16
                   rank
  - full (baseline)

3 seeds; 64 test documents.
)");
}

TEST(TerminalTest, NoLineIsWiderThanTheTerminal) {
  report::Sensitivity read = MakeSensitivity(12);
  read.lines[0].held = std::string(500, 'x');
  for (const std::size_t columns : {40UL, 57UL, 80UL, 200UL}) {
    for (const bool ascii : {false, true}) {
      for (const Figure& figure :
           {*SensitivityFigure(read), *CurvesFigure(MakeCurves(4, 3)), *ParetoFigure(MakePareto())}) {
        const std::string text =
            DrawInTerminal(figure, {.columns = columns, .rows = 0, .colour = false, .ascii = ascii});
        EXPECT_TRUE(IsUtf8(text));
        EXPECT_TRUE(!ascii || std::all_of(text.begin(), text.end(), [](char c) { return c > 0; }));
        for (const std::string& line : LinesOf(text)) EXPECT_LE(Characters(line).size(), columns) << line;
      }
    }
  }
}

TEST(TerminalTest, ColoursOnlyWhereTheyAreWanted) {
  const Figure figure = *CurvesFigure(MakeCurves(4, 3));
  EXPECT_THAT(DrawInTerminal(figure, {.columns = 80, .rows = 0, .colour = true, .ascii = false}),
              HasSubstr("\x1b[38;5;"));
  EXPECT_THAT(DrawInTerminal(figure, {.columns = 80, .rows = 0, .colour = false, .ascii = false}),
              Not(HasSubstr("\x1b")));
}

TEST(TerminalTest, TheFrontIsNamed) {
  const std::string text = DrawInTerminal(*ParetoFigure(MakePareto()),
                                          {.columns = 80, .rows = 0, .colour = false, .ascii = false});
  EXPECT_THAT(text, HasSubstr("front: full; lora rank=8; lead"));
  EXPECT_THAT(text, HasSubstr("trainable parameters (← better)"));
}

TEST(TerminalTest, ExtremesAreDrawn) {
  report::Curves curves = MakeCurves(2, 1, 3);
  curves.groups[0].seeds[0].points[1].value = 1e300;
  curves.groups[1].seeds[0].points[1].value = -1e300;
  EXPECT_THAT(DrawInTerminal(*CurvesFigure(curves), {}), HasSubstr("train loss"));
  EXPECT_THAT(DrawInTerminal(*CurvesFigure(MakeCurves(100, 5, 80)), {}), HasSubstr("and 91 more"));
}

}  // namespace
}  // namespace lorikeet::plot
