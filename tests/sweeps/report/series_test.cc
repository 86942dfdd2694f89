// Through a real database, filled as a coordinator fills it.
#include "sweeps/report/series.h"

#include <limits>

#include "sweeps/report/interval.h"
#include "sweeps/report/thinner.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::int64_t> StepsOf(const std::vector<CurvePoint>& points) {
  std::vector<std::int64_t> steps;
  for (const CurvePoint& point : points) steps.push_back(point.step);
  return steps;
}

// A sweep of `full` (baseline), LoRA over ranks 2, 8, 16 and two rates, prompts of 5 tokens, `lead`.
class SeriesTest : public store::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                  core::Sweep sweep = store::MakeSweep("s-1", "demo");
                  sweep.seeds = {1, 2, 3};
                  RETURN_IF_ERROR(t.InsertSweep(sweep));
                  return t.UpsertWorker(store::MakeWorker("w-1"));
                }).ok());
    Configure("full", "full", {}, true);
    // The larger rank first: the plot orders them by size.
    for (const char* rank : {"16", "2", "8"}) {
      for (const char* rate : {"1.0e-3", "3.0e-3"}) {
        Configure(std::string("lora rank=") + rank + " learning_rate=" + rate, "lora",
                  {{"rank", rank}, {"learning_rate", rate}});
      }
    }
    Configure("prompt tokens=5", "prompt", {{"tokens", "5"}});
    Configure("lead", "lead", {});
  }
  void Configure(const std::string& name, const std::string& arm,
                 const std::vector<std::pair<std::string, std::string>>& axes, bool baseline = false) {
    core::Configuration configuration =
        store::MakeConfiguration("s-1", static_cast<std::int64_t>(ids_.size()), name, arm);
    configuration.axes = axes;
    configuration.baseline = baseline;
    ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                  ASSIGN_OR_RETURN(ids_[name], t.InsertConfiguration(configuration));
                  return absl::OkStatus();
                }).ok());
  }
  // A trial of a configuration, with so many attempts: "ID/1", "ID/2", …
  void Try(const std::string& id, const std::string& configuration, std::int64_t seed, int attempts = 1) {
    ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                  RETURN_IF_ERROR(
                      t.InsertTrial(store::MakeTrial(id, "s-1", ids_.at(configuration), trials_++, seed)));
                  for (int number = 1; number <= attempts; ++number) {
                    RETURN_IF_ERROR(t.InsertAttempt(
                        store::MakeAttempt(id + "/" + std::to_string(number), id, number, "w-1")));
                  }
                  return absl::OkStatus();
                }).ok());
  }
  void Finish(const std::string& id, const std::string& configuration, std::int64_t seed,
              const core::Result& result) {
    Try(id, configuration, seed);
    ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                  RETURN_IF_ERROR(t.CommitResult(id, id + "/1", result, store::At(9)));
                  return SetState(t, id, configuration, seed, core::TrialState::kSucceeded);
                }).ok());
  }
  Status SetState(store::Transaction& t, const std::string& id, const std::string& configuration,
                  std::int64_t seed, core::TrialState state) {
    core::Trial trial = store::MakeTrial(id, "s-1", ids_.at(configuration), 0, seed);
    trial.state = state;
    return t.UpdateTrial(trial);
  }
  void Report(const std::string& attempt, const std::string& name,
              const std::vector<std::pair<std::int64_t, double>>& points) {
    ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                  for (const auto& [step, value] : points)
                    RETURN_IF_ERROR(t.InsertMetric(attempt, {.step = step, .name = name, .value = value}));
                  return absl::OkStatus();
                }).ok());
  }
  std::unique_ptr<Series> Open() {
    auto series = Series::Open(folder_.database());
    EXPECT_TRUE(series.ok()) << series.status();
    return *std::move(series);
  }
  Curves ReadCurves(const std::string& metric = "train_loss", std::size_t most = 400) {
    auto curves = Open()->ReadCurves("demo", {.metric = metric, .most_points = most});
    EXPECT_TRUE(curves.ok()) << curves.status();
    return curves.ok() ? *std::move(curves) : Curves();
  }

  std::map<std::string, std::int64_t> ids_;
  std::int64_t trials_ = 0;
};

TEST(HalfWidthTest, IsStudents) {
  // qt(0.975, n - 1) / sqrt(n), from R.
  EXPECT_NEAR(*HalfWidth95(2, 1), 12.7062047361747 / std::sqrt(2), 1e-9);
  EXPECT_NEAR(*HalfWidth95(3, 2), 2 * 4.30265272974946 / std::sqrt(3), 1e-9);
  EXPECT_NEAR(*HalfWidth95(31, 1), 2.0422724563012 / std::sqrt(31), 1e-9);
  EXPECT_EQ(*HalfWidth95(5, 0), 0);
  EXPECT_EQ(HalfWidth95(1, 0.1), std::nullopt);
  EXPECT_EQ(HalfWidth95(3, std::numeric_limits<double>::quiet_NaN()), std::nullopt);
}

TEST(ThinnerTest, KeepsAllWhereTheyAreFew) {
  Thinner thinner(1, 1000, 8);
  for (const std::int64_t step : {1, 2, 3, 5, 8, 13, 21, 1000}) thinner.Add(step, 1);
  EXPECT_THAT(StepsOf(thinner.Points()), ElementsAre(1, 2, 3, 5, 8, 13, 21, 1000));
  EXPECT_FALSE(thinner.thinned());
}

TEST(ThinnerTest, KeepsEndsAndExtremes) {
  Thinner thinner(1, 10'000, 50);
  for (std::int64_t step = 1; step <= 10'000; ++step)
    thinner.Add(step, step == 4321 ? 99 : step == 8765 ? -99 : 0.001 * static_cast<double>(step % 7));
  const std::vector<CurvePoint> points = thinner.Points();
  EXPECT_EQ(thinner.added(), 10'000);
  EXPECT_LE(points.size(), 50u);
  EXPECT_GT(points.size(), 30u);
  EXPECT_EQ(points.front().step, 1);
  EXPECT_EQ(points.back().step, 10'000);
  double high = -1000, low = 1000;
  for (std::size_t i = 0; i < points.size(); ++i) {
    high = std::max(high, points[i].value);
    low = std::min(low, points[i].value);
    EXPECT_TRUE(i == 0 || points[i - 1].step < points[i].step) << i;
  }
  EXPECT_EQ(high, 99);
  EXPECT_EQ(low, -99);
}

TEST(ThinnerTest, OutlandishStepsAreNoHarm) {
  Thinner thinner(0, std::numeric_limits<std::int64_t>::max(), 8);
  for (std::int64_t i = 0; i < 100; ++i) thinner.Add(i * (std::int64_t{1} << 56), static_cast<double>(i));
  EXPECT_LE(thinner.Points().size(), 8u);
  EXPECT_GE(thinner.MiddleOf(thinner.stretches() - 1), 0);
}

TEST_F(SeriesTest, SensitivityIsALineForEachHeldValue) {
  Finish("f1", "full", 1, store::MakeResult(0.40));
  Finish("f2", "full", 2, store::MakeResult(0.42));
  for (std::int64_t seed = 1; seed <= 3; ++seed) {
    Finish("l" + std::to_string(seed), "lora rank=8 learning_rate=1.0e-3", seed,
           store::MakeResult(0.40 + 0.01 * static_cast<double>(seed)));
  }
  const auto read = Open()->ReadSensitivity("demo", "", "rank");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->metric, "rouge1");
  EXPECT_EQ(read->sweep.name + read->sweep.id, "demos-1");
  EXPECT_EQ(read->sweep.seeds, 3);
  EXPECT_EQ(read->sweep.succeeded, 5);
  EXPECT_EQ(read->sweep.test_documents, 40);
  EXPECT_EQ(read->baseline, "full");
  EXPECT_NEAR(*read->baseline_score.mean, 41, 1e-9);
  // Two seeds, 40 and 42: t is 12.7, sd / sqrt(n) is 1.
  EXPECT_NEAR(*read->baseline_score.low, 41 - 12.7062047361747, 1e-9);
  EXPECT_NEAR(*read->baseline_score.high, 41 + 12.7062047361747, 1e-9);
  EXPECT_NEAR(*read->baseline_score.lowest, 40, 1e-9);
  EXPECT_NEAR(*read->baseline_score.highest, 42, 1e-9);

  ASSERT_THAT(read->lines, SizeIs(2));
  const SensitivityLine& line = read->lines[0];
  EXPECT_EQ(line.arm + "|" + line.axis + "|" + line.held, "lora|rank|learning_rate=1.0e-3");
  ASSERT_THAT(line.points, SizeIs(3));
  EXPECT_EQ(line.points[0].value, "2");
  EXPECT_EQ(line.points[1].number, 8);
  EXPECT_EQ(line.points[2].number, 16);
  EXPECT_EQ(line.points[0].score.seeds, 0);
  EXPECT_EQ(line.points[0].score.mean, std::nullopt);
  const Score& score = line.points[1].score;
  EXPECT_EQ(score.seeds, 3);
  EXPECT_NEAR(*score.mean, 42, 1e-9);
  EXPECT_NEAR(*score.sd, 1, 1e-9);
  EXPECT_NEAR(*score.low, 42 - 2.48413771, 1e-6);
  EXPECT_NEAR(*score.lowest, 41, 1e-9);
  EXPECT_EQ(read->lines[1].held, "learning_rate=3.0e-3");

  const auto all = Open()->ReadSensitivity("s-1", "rougeLsum", "");
  ASSERT_TRUE(all.ok());
  EXPECT_THAT(all->lines, SizeIs(2 + 3 + 1));  // ranks, rates, tokens
  EXPECT_NEAR(*all->baseline_score.mean, 41.0 / 4, 1e-9);
}

TEST_F(SeriesTest, WhatIsUnknownIsAnsweredWithTheNearest) {
  const auto series = Open();
  EXPECT_EQ(Message(series->ReadSensitivity("demo", "rogue1", "").status()),
            "there is no metric 'rogue1'; did you mean 'rouge1'?; there are: rouge1, rouge2, rougeL, "
            "rougeLsum");
  EXPECT_EQ(Message(series->ReadSensitivity("demo", "", "rnak").status()),
            "there is no axis 'rnak'; did you mean 'rank'?; there are: learning_rate, rank, tokens");
  EXPECT_THAT(Message(series->ReadPareto("demo", "", "train_second").status()),
              HasSubstr("did you mean 'train_seconds'"));
  EXPECT_EQ(Message(series->ReadSensitivity("dmeo", "", "").status()),
            folder_.database() + ": holds no sweep 'dmeo'; did you mean 'demo'?");
  EXPECT_TRUE(absl::IsNotFound(series->ReadCurves("other", {}).status()));
  Try("t", "full", 1);
  Report("t/1", "train_loss", {{1, 2}});
  Report("t/1", "gradient_norm", {{1, 2}});
  const Status unknown = series->ReadCurves("demo", {.metric = "train_los"}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(unknown));
  EXPECT_EQ(Message(unknown),
            "there is no learning curve 'train_los'; did you mean 'train_loss'?; there are: gradient_norm, "
            "train_loss");
}

TEST_F(SeriesTest, ASweepWithoutResultsReadsEmpty) {
  const auto series = Open();
  const auto sensitivity = series->ReadSensitivity("demo", "", "rank");
  ASSERT_TRUE(sensitivity.ok()) << sensitivity.status();
  EXPECT_EQ(sensitivity->baseline_score.mean, std::nullopt);
  EXPECT_EQ(sensitivity->sweep.test_documents, std::nullopt);
  const auto curves = series->ReadCurves("demo", {});
  ASSERT_TRUE(curves.ok()) << curves.status();
  EXPECT_THAT(curves->groups, IsEmpty());
  const auto pareto = series->ReadPareto("demo", "", "");
  ASSERT_TRUE(pareto.ok()) << pareto.status();
  EXPECT_THAT(pareto->panels, SizeIs(8)) << "those that trials measure";
  EXPECT_THAT(pareto->panels[0].points, SizeIs(9));
}

TEST_F(SeriesTest, AttemptsOfATrialAreOneCurve) {
  Try("t", "full", 1, 3);
  Report("t/1", "train_loss", {{1, 9}, {2, 8}, {3, 7}, {4, 6}, {5, 5}});
  Report("t/1", "validation_loss", {{2, 1}, {4, 2}});
  // From the checkpoint of step 3, validated at 6 alone; then nothing yet.
  Report("t/2", "train_loss", {{4, 60}, {5, 50}, {6, 40}});
  Report("t/2", "validation_loss", {{6, 3}});
  const Curves curves = ReadCurves();
  ASSERT_THAT(curves.groups, SizeIs(1));
  EXPECT_TRUE(curves.groups[0].baseline);
  ASSERT_THAT(curves.groups[0].seeds, SizeIs(1));
  const Curve& curve = curves.groups[0].seeds[0];
  EXPECT_EQ(curve.trial_id + "|" + curve.trial + "|" + curve.state, "t|name of t|pending");
  EXPECT_THAT(StepsOf(curve.points), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(curve.points[2].value, 7);
  EXPECT_EQ(curve.points[3].value, 60);
  EXPECT_EQ(curves.reported, 6);
  EXPECT_THAT(curves.metrics, ElementsAre("train_loss", "validation_loss"));
  // The validation at step 4 was of an attempt that the trial does not go on from.
  EXPECT_THAT(StepsOf(ReadCurves("validation_loss").groups[0].seeds[0].points), ElementsAre(2, 6));
}

TEST_F(SeriesTest, TheMeanGoesAsFarAsAllSeeds) {
  Try("a", "full", 1);
  Try("b", "full", 2);
  Try("c", "full", 3);
  Try("d", "full", 4);
  Report("a/1", "train_loss", {{1, 1}, {2, 3}, {3, 5}});
  Report("b/1", "train_loss", {{1, 3}, {2, 5}});
  Report("c/1", "train_loss", {{1, 100}});  // given up
  ASSERT_TRUE(Write([&](store::Transaction& t) {
                return SetState(t, "c", "full", 3, core::TrialState::kFailed);
              }).ok());
  Report("d/1", "train_loss", {});
  const CurveGroup group = ReadCurves().groups.at(0);
  EXPECT_THAT(group.seeds, SizeIs(3));
  ASSERT_THAT(group.mean, SizeIs(2));
  EXPECT_EQ(group.mean[1].step, 2);
  EXPECT_NEAR(group.mean[1].mean, 4, 1e-12);
  EXPECT_NEAR(*group.mean[1].high, 4 + 12.7062047361747, 1e-9);
}

TEST_F(SeriesTest, LongCurvesAreThinnedAndTheirMeansAreOfAllPoints) {
  for (const auto& [id, seed] : std::vector<std::pair<std::string, std::int64_t>>{{"a", 1}, {"b", 2}}) {
    Try(id, "full", seed);
    std::vector<std::pair<std::int64_t, double>> points;
    for (std::int64_t step = 1; step <= 1000; ++step)
      points.emplace_back(step, static_cast<double>(step % 2 == 0 ? 10 : 0) + static_cast<double>(seed));
    Report(id + "/1", "train_loss", points);
  }
  const CurveGroup group = ReadCurves("train_loss", 102).groups.at(0);
  ASSERT_THAT(group.seeds, SizeIs(2));
  EXPECT_LE(group.seeds[0].points.size(), 102u);
  EXPECT_EQ(group.seeds[0].reported, 1000);
  ASSERT_THAT(group.mean, SizeIs(50));
  EXPECT_NEAR(group.mean[20].mean, 6.5, 1e-9);  // not of extremes
}

TEST_F(SeriesTest, OfManyTrialsTheFirstAreRead) {
  for (const char* id : {"a", "b", "c"}) {
    Try(id, "full", id[0]);
    Report(std::string(id) + "/1", "train_loss", {{1, 2}});
  }
  const auto curves = Open()->ReadCurves("demo", {.metric = "train_loss", .most_curves = 2});
  ASSERT_TRUE(curves.ok()) << curves.status();
  EXPECT_EQ(curves->trials, 2);
  EXPECT_EQ(curves->left_out, 1);
  EXPECT_THAT(curves->groups.at(0).seeds, SizeIs(2));
}

TEST_F(SeriesTest, WhatIsNoNumberIsLeftOutAndCounted) {
  Try("a", "full", 1);
  Report("a/1", "train_loss", {{1, 2}, {2, std::numeric_limits<double>::quiet_NaN()}, {3, 1}});
  const Curve curve = ReadCurves().groups.at(0).seeds.at(0);
  EXPECT_THAT(StepsOf(curve.points), ElementsAre(1, 3));
  EXPECT_EQ(curve.not_numbers, 1);
}

TEST_F(SeriesTest, TheFrontIsWhatNothingBeats) {
  const auto finish = [&](const std::string& id, const std::string& configuration, double rouge,
                          double seconds, double speed) {
    core::Result result = store::MakeResult(rouge);
    result.train_seconds = seconds;
    result.generated_tokens_per_second = speed;
    Finish(id, configuration, 1, result);
  };
  finish("f", "full", 0.40, 100, 50);
  finish("l2", "lora rank=2 learning_rate=1.0e-3", 0.38, 10, 50);
  finish("l8", "lora rank=8 learning_rate=1.0e-3", 0.40, 20, 60);    // as good as full, and cheaper
  finish("l16", "lora rank=16 learning_rate=1.0e-3", 0.39, 20, 70);  // as dear as rank 8, and worse
  finish("p", "prompt tokens=5", 0.30, 5, 70);
  core::Result lead = store::MakeResult(0.50);
  lead.train_seconds = lead.generated_tokens_per_second = 0;  // none, to the store
  Finish("lead", "lead", 0, lead);
  const auto front = [&](const std::string& cost) {
    const auto pareto = Open()->ReadPareto("demo", "rouge1", cost);
    EXPECT_TRUE(pareto.ok()) << pareto.status();
    std::vector<std::string> names;
    for (const ParetoPoint& point : pareto->panels.at(0).points) {
      if (point.front) names.push_back(point.configuration);
    }
    return names;
  };
  EXPECT_THAT(front("train_seconds"), ElementsAre("lora rank=2 learning_rate=1.0e-3",
                                                  "lora rank=8 learning_rate=1.0e-3", "prompt tokens=5"));
  EXPECT_THAT(front("generated_tokens_per_second"),
              ElementsAre("lora rank=16 learning_rate=1.0e-3", "lora rank=8 learning_rate=1.0e-3"));
  EXPECT_THAT(front("trainable_parameters"), ElementsAre("lead"));  // all cost the same
}

TEST_F(SeriesTest, CostsOverSeveralDevicesAreNotCompared) {
  core::Result result = store::MakeResult(0.40);
  Finish("f1", "full", 1, result);
  result.device_model = "another";
  result.data_fingerprint = "changed";
  Finish("f2", "full", 2, result);
  const auto pareto = Open()->ReadPareto("demo", "rouge1", "train_seconds");
  ASSERT_TRUE(pareto.ok());
  EXPECT_EQ(pareto->panels[0].points[0].cost, std::nullopt);
  EXPECT_FALSE(pareto->panels[0].points[0].front);
  EXPECT_TRUE(pareto->sweep.mixed);
}

}  // namespace
}  // namespace lorikeet::report
