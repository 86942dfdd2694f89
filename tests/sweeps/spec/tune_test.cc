// `tune`: which axes make no rows, what is tried for each row, and with which seeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// GoodFile with these learning rates, one set of targets, and this `tune`.
std::string Tuned(const std::string& tune) {
  std::string text = With("targets: [[q, v], [q, k, v, o]]", "targets: [q, v]");
  text = Replaced(text, "learning_rate: 1.0e-3", "learning_rate: [1.0e-3, 3.0e-4]");
  text = Replaced(text, "full: {learning_rate: 1.0e-4}", "full: {learning_rate: [1.0e-4, 3.0e-4, 1.0e-3]}");
  return text + "\ntune: " + tune + "\n";
}

Sweep Good(const std::string& text) {
  StatusOr<Sweep> sweep = Parse(text);
  EXPECT_TRUE(sweep.ok()) << sweep.status();
  return sweep.ok() ? *sweep : Sweep{};
}

TEST(Tune, ItsAxesMakeNoRows) {
  const Sweep sweep = Good(Tuned("{axes: [learning_rate], by: validation_loss, seeds: [101, 102]}"));
  std::vector<std::string> rows, candidates;
  for (const Configuration& one : sweep.configurations) {
    (one.candidate_of ? candidates : rows).push_back(fmt::format("{} x{}", one.name, one.tries));
  }
  EXPECT_THAT(rows, ElementsAre("full x3", "lora rank=1 x2", "lora rank=8 x2", "prompt tokens=5 x1",
                                "prompt tokens=20 x1", "lead sentences=3 x1", "lead sentences=10 x1",
                                "zero_shot x1"));
  EXPECT_THAT(candidates,
              ElementsAre("full learning_rate=0.0001 x1", "full learning_rate=0.0003 x1",
                          "full learning_rate=0.001 x1", "lora rank=1 learning_rate=0.001 x1",
                          "lora rank=1 learning_rate=0.0003 x1", "lora rank=8 learning_rate=0.001 x1",
                          "lora rank=8 learning_rate=0.0003 x1"));
  EXPECT_EQ(sweep.baseline, "full");
  EXPECT_EQ(sweep.tune,
            (TuneSettings{.axes = {"learning_rate"}, .by = "validation_loss", .seeds = {101, 102}}));
  for (const Configuration& one : sweep.configurations) {
    EXPECT_EQ(one.trial.configuration, one.name);
    if (!one.candidate_of) continue;
    EXPECT_EQ(sweep.configurations.at(*one.candidate_of).tries > 1, true);
    EXPECT_EQ(sweep.configurations.at(*one.candidate_of).arm, one.arm);
    EXPECT_FALSE(one.baseline);
  }
  EXPECT_THAT(sweep.notes, Contains(HasSubstr("full one of 0.0001, 0.0003, 0.001")));
}

TEST(Tune, WhatIsChosenIsNotTold) {
  const Sweep sweep = Good(Tuned("{axes: [learning_rate], seeds: [101]}"));
  const auto told = [](const Configuration& configuration) {
    return std::any_of(configuration.settings.begin(), configuration.settings.end(),
                       [](const AxisValue& setting) { return setting.axis == "learning_rate"; });
  };
  EXPECT_EQ(sweep.tune.by, "validation_rouge1");
  EXPECT_FALSE(told(sweep.configurations[0])) << "not known yet";
  EXPECT_TRUE(sweep.configurations[0].axes.empty());
  EXPECT_TRUE(told(sweep.configurations[3])) << "the prompts' only one";
  EXPECT_TRUE(told(sweep.configurations.back())) << "a candidate's own";
}

TEST(Tune, CandidatesRunBeforeRowsWithTheirOwnSeeds) {
  const Sweep sweep = Good(Tuned("{axes: [learning_rate], seeds: [101]}"));
  std::vector<std::string> names;
  for (const PlannedTrial& trial : ExpandTrials(sweep)) names.push_back(trial.name);
  ASSERT_EQ(static_cast<std::int64_t>(names.size()), TrialCount(sweep));
  EXPECT_EQ(names.size(), 3U + 7 + 2 * 5);
  EXPECT_EQ(names[3], "full learning_rate=0.0001 seed=101");
  EXPECT_EQ(names[9], "lora rank=8 learning_rate=0.0003 seed=101");
  EXPECT_EQ(names[10], "full seed=3");
  EXPECT_EQ(TrialOf(sweep, ExpandTrials(sweep)[4]).train.learning_rate, 3e-4);
}

TEST(Tune, SeveralAxesAndAMethodsOwn) {
  const Sweep sweep = Good(Tuned("{axes: [learning_rate, rank], seeds: [101]}"));
  EXPECT_EQ(sweep.configurations[1].name, "lora");
  EXPECT_EQ(sweep.configurations[1].tries, 4);
}

TEST(Tune, MistakesAreNamed) {
  const auto expect = [](const std::string& tune, const std::string& what) {
    const StatusOr<Sweep> sweep = Parse(Tuned(tune));
    ASSERT_FALSE(sweep.ok()) << tune;
    EXPECT_THAT(Message(sweep.status()), HasSubstr(what)) << tune;
  };
  expect("{axes: [learning_rat], seeds: [101]}", "did you mean 'learning_rate'");
  expect("{axes: [sentences], seeds: [101]}",
         "tune.axes: sentences: a key that has a list of values in an arm that trains");
  expect("{axes: [dropout], seeds: [101]}", "tune.axes: dropout: a key that has a list of values");
  expect("{axes: [learning_rate, learning_rate], seeds: [101]}", "each axis once");
  expect("{axes: [], seeds: [101]}", "tune.axes");
  expect("{axes: learning_rate, seeds: [101]}", "tune.axes: learning_rate: a list of keys");
  expect("{seeds: [101]}", "tune.axes: missing");
  expect("{axes: [learning_rate]}", "tune.seeds: missing");
  expect("{axes: [learning_rate], seeds: [1]}", "seeds that are not in 'seeds'");
  expect("{axes: [learning_rate], seeds: [101, 101]}", "each seed once");
  expect("{axes: [learning_rate], seeds: [101], by: rouge1}",
         "tune.by: rouge1: validation_rouge1 or validation_loss");
  expect("{axes: [learning_rate], seeds: [101], tries: 3}", "tune.tries");
}

TEST(Tune, AMistakeIsNotTheBaselinesToo) {
  EXPECT_EQ(MistakesOf(Tuned("{axes: [learning_rat], seeds: [101]}")).size(), 1U);
}

TEST(Tune, ABaselineIsOneRow) {
  const StatusOr<Sweep> sweep =
      Parse(Replaced(Tuned("{axes: [learning_rate], seeds: [101]}"), "baseline: full", "baseline: lora"));
  ASSERT_FALSE(sweep.ok());
  EXPECT_THAT(Message(sweep.status()), HasSubstr("the arm lora has 2 configurations"));
  EXPECT_THAT(Message(sweep.status()), HasSubstr("such as 'lora rank=1'"));
  const Sweep named = Good(
      Replaced(Tuned("{axes: [learning_rate], seeds: [101]}"), "baseline: full", "baseline: lora rank=8"));
  EXPECT_EQ(named.baseline, "lora rank=8");
  EXPECT_THAT(ExpandTrials(named)[3].name, HasSubstr("lora rank=8 learning_rate=0.001"));
}

TEST(Tune, TooManyTrialsAreCountedBeforeTheyAreMade) {
  const StatusOr<Sweep> sweep = ParseSweep(Tuned("{axes: [learning_rate], seeds: [101]}"),
                                           {.file = "f", .environment = {}, .most_trials = 19});
  ASSERT_FALSE(sweep.ok());
  EXPECT_THAT(Message(sweep.status()), HasSubstr("20 trials (configurations × seeds): at most 19"));
}

TEST(Tune, TheFingerprintIsOfWhatIsChosenFrom) {
  const std::string first = Good(Tuned("{axes: [learning_rate], seeds: [101, 102]}")).fingerprint;
  EXPECT_EQ(first, Good(Tuned("{seeds: [102, 101], axes: [learning_rate]}")).fingerprint);
  EXPECT_EQ(first, Good(Replaced(Tuned("{seeds: [102, 101], axes: [learning_rate]}"), "[1.0e-3, 3.0e-4]",
                                 "[3.0e-4, 1.0e-3]"))
                       .fingerprint);
  for (const char* other : {"{axes: [learning_rate], seeds: [101]}",
                            "{axes: [learning_rate], seeds: [101, 102], by: validation_loss}",
                            "{axes: [learning_rate, rank], seeds: [101, 102]}"}) {
    EXPECT_NE(first, Good(Tuned(other)).fingerprint) << other;
  }
  EXPECT_NE(first,
            Good(Replaced(Tuned("{axes: [learning_rate], seeds: [101, 102]}"), "[1.0e-3, 3.0e-4]", "1.0e-3"))
                .fingerprint);
}

}  // namespace
}  // namespace lorikeet::spec
