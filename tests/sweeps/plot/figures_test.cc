#include "sweeps/plot/figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "sweeps/plot/palette.h"
#include "sweeps/plot/scale.h"
#include "tests/sweeps/plot/reads.h"

namespace lorikeet::plot {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TEST(SensitivityFigureTest, APanelAnAxisWithTheBaselineAsABand) {
  const auto figure = SensitivityFigure(MakeSensitivity());
  ASSERT_TRUE(figure.ok()) << figure.status();
  EXPECT_EQ(figure->title, "demo: sensitivity of ROUGE-1");
  EXPECT_THAT(figure->notes,
              ElementsAre("3 seeds; 64 test documents; 95 % interval over seeds (Student's t)."));
  ASSERT_THAT(figure->panels, SizeIs(1));
  const Panel& panel = figure->panels[0];
  EXPECT_EQ(panel.title + "|" + panel.x.label + "|" + panel.y.label, "lora|rank|ROUGE-1 (%)");
  EXPECT_EQ(panel.x.scale, ScaleKind::kLog2);
  ASSERT_TRUE(panel.band);
  EXPECT_EQ(panel.band->label, "full (baseline)");
  EXPECT_EQ(panel.band->mean, 43);
  EXPECT_EQ(panel.band->low, 42);
  ASSERT_THAT(panel.lines, SizeIs(1));
  EXPECT_EQ(panel.lines[0].label, "");  // one line needs no legend
  ASSERT_THAT(panel.lines[0].points, SizeIs(3));
  EXPECT_EQ(panel.lines[0].points[2].x, 16);
  EXPECT_EQ(panel.lines[0].points[2].y, 44);
  EXPECT_EQ(panel.lines[0].points[2].high, 44.5);
}

TEST(SensitivityFigureTest, MissingSeedsAndResultsAreSaid) {
  report::Sensitivity read = MakeSensitivity();
  read.sweep.state = "running";
  read.sweep.succeeded = 7;
  read.lines[0].points[0].score = {};
  read.lines[0].points[1].score.seeds = 1;
  read.lines[0].points[1].score.low = read.lines[0].points[1].score.high = std::nullopt;
  read.baseline_score = {};
  const auto figure = SensitivityFigure(read);
  ASSERT_TRUE(figure.ok()) << figure.status();
  EXPECT_THAT(figure->panels[0].lines[0].points, SizeIs(2));
  EXPECT_FALSE(figure->panels[0].band);
  EXPECT_THAT(figure->notes, Contains("7 of 12 trials have results."));
  EXPECT_THAT(figure->notes, Contains("1 points lack seeds, 1 have no result and are left out."));
  EXPECT_THAT(figure->notes, Contains("The baseline has no result yet."));
}

TEST(SensitivityFigureTest, ReferencesRunOnceAndLackNoSeeds) {
  report::Sensitivity read = MakeSensitivity();
  read.lines[0].arm = "lead";
  read.lines[0].axis = "sentences";
  for (report::SensitivityPoint& point : read.lines[0].points) point.score.seeds = 1;
  const auto figure = SensitivityFigure(read);
  for (const std::string& note : figure->notes) EXPECT_THAT(note, Not(HasSubstr("lack")));
}

TEST(SensitivityFigureTest, RanksAndTokensComeFirstAndReferencesNotBesideThem) {
  report::Sensitivity read = MakeSensitivity(4);
  const std::pair<const char*, const char*> of[] = {
      {"lead", "sentences"}, {"lora", "dropout"}, {"lora", "rank"}, {"prompt", "tokens"}};
  for (std::size_t i = 0; i < 4; ++i) std::tie(read.lines[i].arm, read.lines[i].axis) = of[i];
  for (report::SensitivityPoint& point : read.lines[0].points) point.score.mean = 1;
  const auto figure = SensitivityFigure(read);
  std::vector<std::string> labels;
  for (const Panel& panel : figure->panels) labels.push_back(panel.x.label);
  EXPECT_THAT(labels, ElementsAre("rank", "prompt tokens", "dropout"));
  EXPECT_GT(figure->panels[0].y.low, 30) << "what is not drawn needs no room";
}

TEST(SensitivityFigureTest, NothingYetSaysWhatIsMissing) {
  report::Sensitivity read = MakeSensitivity();
  for (report::SensitivityPoint& point : read.lines[0].points) point.score = {};
  read.sweep.state = "running";
  read.sweep.succeeded = 0;
  const Status nothing = SensitivityFigure(read).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(nothing));
  EXPECT_EQ(
      Message(nothing),
      "nothing to plot of sweep demo: no configuration with an axis has a result yet; it is running, 0 of 12 "
      "trials have succeeded");
  read.lines.clear();
  EXPECT_THAT(Message(SensitivityFigure(read).status()), HasSubstr("no arm has an axis"));
}

TEST(SensitivityFigureTest, ValuesThatAreNoNumbersHavePlacesOfTheirOwn) {
  report::Sensitivity read = MakeSensitivity();
  read.lines[0].axis = "targets";
  for (report::SensitivityPoint& point : read.lines[0].points) {
    point.number.reset();
    point.value = "[\"" + point.value + "\"]";
  }
  const Panel panel = SensitivityFigure(read)->panels.at(0);
  EXPECT_EQ(panel.x.scale, ScaleKind::kCategories);
  EXPECT_EQ(panel.lines[0].joined, Joined::kNot);
  EXPECT_EQ(panel.lines[0].points[1].x, 1);
}

TEST(SensitivityFigureTest, AnIntervalThatDwarfsTheOthersIsNotShownWhole) {
  report::Sensitivity read = MakeSensitivity();
  read.lines[0].points[0].score.low = -500;
  read.lines[0].points[0].score.high = 600;
  const Axis axis = SensitivityFigure(read)->panels.at(0).y;
  EXPECT_GT(axis.low, 30);
  EXPECT_LT(axis.high, 55);
}

TEST(SensitivityFigureTest, ManyLinesHaveAShortLegend) {
  const Panel panel = SensitivityFigure(MakeSensitivity(30))->panels.at(0);
  EXPECT_THAT(panel.lines, SizeIs(30));
  EXPECT_EQ(panel.left_out, 30 - kMostLegend);
}

TEST(SensitivityFigureTest, LinesStandByTheSizeOfTheirNumbers) {
  report::Sensitivity read = MakeSensitivity(4);
  const char* held[] = {"rank=10, rate=1e-3", "rank=2, rate=0.001", "rank=10, rate=3e-4", "rank=2"};
  for (std::size_t i = 0; i < 4; ++i) read.lines[i].held = held[i];
  std::vector<std::string> labels;
  const auto figure = SensitivityFigure(read);
  for (const Line& line : figure->panels.at(0).lines) labels.push_back(line.label);
  EXPECT_THAT(labels,
              ElementsAre("rank=2", "rank=2, rate=0.001", "rank=10, rate=3e-4", "rank=10, rate=1e-3"));
}

TEST(SensitivityFigureTest, AnAxisOfOneValueIsNoPanelBesideOthers) {
  report::Sensitivity read = MakeSensitivity(2);
  read.lines[1].axis = "learning_rate";
  read.lines[1].points.resize(1);
  EXPECT_THAT(SensitivityFigure(read)->panels, SizeIs(1));
  read.lines.erase(read.lines.begin());
  EXPECT_THAT(SensitivityFigure(read)->panels, SizeIs(1));
}

TEST(CurvesFigureTest, ThinSeedsAndAThickMean) {
  const auto figure = CurvesFigure(MakeCurves(3, 4));
  ASSERT_TRUE(figure.ok()) << figure.status();
  EXPECT_EQ(figure->title, "demo: train loss while training");
  ASSERT_THAT(figure->panels, SizeIs(1));
  const Panel& panel = figure->panels[0];
  EXPECT_THAT(panel.lines, SizeIs(3 * 5));
  EXPECT_TRUE(panel.lines[0].thin);
  EXPECT_FALSE(panel.lines[14].thin);
  EXPECT_EQ(panel.lines[12].label, "full (baseline)");
  EXPECT_EQ(panel.lines[13].label, "lora rank=1");
  EXPECT_EQ(panel.x.label, "optimizer step");
}

TEST(CurvesFigureTest, ManyConfigurationsHaveAPanelAnArmAndFewNames) {
  const auto figure = CurvesFigure(MakeCurves(100, 5, 10));
  ASSERT_THAT(figure->panels, SizeIs(1));  // LoRA's, with the baseline in it
  std::size_t named = 0;
  for (const Line& line : figure->panels[0].lines) named += line.label.empty() ? 0 : 1;
  EXPECT_EQ(named, kMostLegend + 1);
  EXPECT_EQ(figure->panels[0].left_out, 99 - kMostLegend);
  EXPECT_EQ(figure->panels[0].title, "lora");
  EXPECT_THAT(figure->panels[0].lines, SizeIs(100));  // means alone
  EXPECT_TRUE(figure->panels[0].lines[0].above);      // the baseline's
  EXPECT_THAT(figure->notes.back(), HasSubstr("not each seed's"));
  EXPECT_THAT(CurvesFigure(MakeCurves(20, 5, 10))->panels[0].lines, SizeIs(20 * 6));
}

TEST(CurvesFigureTest, WhatWasNotReadIsSaid) {
  report::Curves read = MakeCurves(2, 1);
  read.trials = 2;
  read.left_out = 7;
  EXPECT_THAT(CurvesFigure(read)->notes,
              Contains("The first 2 trials alone, in the table's order; 7 more have started."));
}

TEST(CurvesFigureTest, WhatDivergesHasALogarithmicAxis) {
  report::Curves read = MakeCurves(2, 1);
  EXPECT_EQ(CurvesFigure(read)->panels[0].y.scale, ScaleKind::kLinear);
  read.groups[1].seeds[0].points.back().value = 1e7;
  read.groups[1].seeds[0].not_numbers = 2;
  const auto figure = CurvesFigure(read);
  EXPECT_EQ(figure->panels[0].y.scale, ScaleKind::kLog10);
  EXPECT_THAT(figure->notes, Contains("2 values that are no numbers are left out."));
}

TEST(CurvesFigureTest, NothingYetSaysWhatIsMissing) {
  report::Curves read = MakeCurves(0, 0);
  EXPECT_THAT(Message(CurvesFigure(read).status()), HasSubstr("no trial has reported train_loss yet"));
  read.metrics.clear();
  EXPECT_THAT(Message(CurvesFigure(read).status()), HasSubstr("no trial has reported a step yet"));
}

TEST(ParetoFigureTest, APanelACostAndTheFrontAsStairs) {
  const auto figure = ParetoFigure(MakePareto());
  ASSERT_TRUE(figure.ok()) << figure.status();
  ASSERT_THAT(figure->panels, SizeIs(report::Costs().size()));
  const Panel& parameters = figure->panels[0];
  EXPECT_TRUE(parameters.x.zero);
  EXPECT_EQ(parameters.x.label, "trainable parameters (← better)");
  EXPECT_EQ(parameters.lines[0].joined, Joined::kStairsRight);
  ASSERT_THAT(parameters.lines[0].points, SizeIs(3));
  EXPECT_EQ(parameters.lines[0].points[0].x, 0);
  EXPECT_EQ(parameters.lines[0].points[2].x, 1e6);
  const Panel& speed = figure->panels.back();
  EXPECT_FALSE(speed.x.zero);
  EXPECT_EQ(speed.lines[0].joined, Joined::kStairsLeft);
  EXPECT_EQ(speed.lines[0].points[0].x, 1e6);
  EXPECT_THAT(figure->notes, Contains("Costs were measured on CPU one."));
  EXPECT_EQ(figure->legend.back().label, "Pareto front (its rows ringed)");
}

TEST(ParetoFigureTest, ACostThatNobodyHasIsSaid) {
  report::Pareto read = MakePareto();
  for (report::ParetoPoint& point : read.panels[2].points) point.cost.reset();
  const auto figure = ParetoFigure(read);
  EXPECT_THAT(figure->panels, SizeIs(report::Costs().size() - 1));
  EXPECT_THAT(figure->notes, Contains("No row has a training time."));
  read.panels = {read.panels[2]};
  EXPECT_THAT(Message(ParetoFigure(read).status()), HasSubstr("no row has a training time"));
  for (report::ParetoPoint& point : read.panels[0].points) point.score = {};
  EXPECT_THAT(Message(ParetoFigure(read).status()), HasSubstr("no trial has a result yet"));
}

TEST(FiguresTest, HostileNamesAreClean) {
  report::Sensitivity read = MakeSensitivity(2);
  read.sweep.name = "x\x1b]0;y\x07";
  read.lines[0].held = "\xff\n<script>";
  read.baseline = "\u202Efull";
  read.sweep.notes = {"a\rb"};
  const Figure figure = *SensitivityFigure(read);
  EXPECT_EQ(figure.title, "x ]0;y : sensitivity of ROUGE-1");
  EXPECT_EQ(figure.panels[0].lines[0].label, "\uFFFD <script>");
  EXPECT_EQ(figure.panels[0].band->label, " full (baseline)");
  EXPECT_EQ(figure.notes.back(), "Note: a b.");
}

TEST(PaletteTest, ColoursAndMarkersDoNotComeTogetherAgainSoon) {
  for (std::size_t i = 0; i < 36; ++i) {
    for (std::size_t j = i + 1; j < 36; ++j) {
      const bool same_colour = Hue(i).red == Hue(j).red && Hue(i).green == Hue(j).green;
      EXPECT_FALSE(same_colour && MarkerOf(i) == MarkerOf(j)) << i << " " << j;
    }
  }
}

}  // namespace
}  // namespace lorikeet::plot
