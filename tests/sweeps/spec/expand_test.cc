#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> ConfigurationNames(const Sweep& sweep) {
  std::vector<std::string> names;
  for (const Configuration& configuration : sweep.configurations) names.push_back(configuration.name);
  return names;
}
std::vector<std::string> TrialNames(const Sweep& sweep) {
  std::vector<std::string> names;
  for (const PlannedTrial& trial : ExpandTrials(sweep)) names.push_back(trial.name);
  return names;
}

TEST(Expand, TheBaselinesArmFirstThenTheFilesOrderReferencesLast) {
  const StatusOr<Sweep> sweep = Parse(GoodFile());
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_THAT(ConfigurationNames(*sweep),
              ElementsAre("full", "lora rank=1 targets=q,v", "lora rank=1 targets=q,k,v,o",
                          "lora rank=8 targets=q,v", "lora rank=8 targets=q,k,v,o", "prompt tokens=5",
                          "prompt tokens=20", "lead sentences=3", "lead sentences=10", "zero_shot"));
  EXPECT_TRUE(sweep->configurations[0].baseline);
  EXPECT_EQ(std::count_if(sweep->configurations.begin(), sweep->configurations.end(),
                          [](const Configuration& c) { return c.baseline; }),
            1);
}

TEST(Expand, ReferencesRunOnceAtTheFrontThenSeedBySeedTheBaselineFirst) {
  const StatusOr<Sweep> sweep = Parse(With("targets: [[q, v], [q, k, v, o]]", "targets: [q, v]"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_THAT(TrialNames(*sweep),
              ElementsAre("lead sentences=3", "lead sentences=10", "zero_shot", "full seed=3",
                          "lora rank=1 seed=3", "lora rank=8 seed=3", "prompt tokens=5 seed=3",
                          "prompt tokens=20 seed=3", "full seed=1", "lora rank=1 seed=1",
                          "lora rank=8 seed=1", "prompt tokens=5 seed=1", "prompt tokens=20 seed=1"));
  EXPECT_EQ(TrialCount(*sweep), 13);
  for (const PlannedTrial& trial : ExpandTrials(*sweep)) {
    const Trial settings = TrialOf(*sweep, trial);
    EXPECT_EQ(trial.seed, settings.seed);
    EXPECT_EQ(sweep->configurations.at(trial.configuration).name, settings.configuration);
    EXPECT_EQ(trial.seed == 0, !Trains(settings.method));
  }
}

TEST(Expand, AnyConfigurationMayBeTheBaseline) {
  const StatusOr<Sweep> sweep = Parse(Replaced(With("targets: [[q, v], [q, k, v, o]]", "targets: [q, v]"),
                                               "baseline: full", "baseline: lora rank=8"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->baseline, "lora rank=8");
  EXPECT_EQ(ConfigurationNames(*sweep).front(), "lora rank=1");  // of the baseline's arm, in file order
  EXPECT_FALSE(sweep->configurations[0].baseline);
  EXPECT_TRUE(sweep->configurations[1].baseline);
  EXPECT_EQ(TrialNames(*sweep).at(3), "lora rank=8 seed=3");
  const StatusOr<Sweep> reference = Parse(With("baseline: full", "baseline: zero_shot"));
  ASSERT_TRUE(reference.ok()) << reference.status();
  EXPECT_EQ(ConfigurationNames(*reference).front(), "zero_shot");
}

TEST(Expand, AxesAndSettings) {
  const StatusOr<Sweep> sweep = Parse(GoodFile());
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  const Configuration& lora = sweep->configurations.at(4);
  EXPECT_THAT(lora.axes, ElementsAre(AxisValue{"rank", "8"}, AxisValue{"targets", "q,k,v,o"}));
  EXPECT_THAT(lora.settings, ElementsAre(AxisValue{"rank", "8"}, AxisValue{"alpha", "16"},
                                         AxisValue{"targets", "q,k,v,o"}, AxisValue{"dropout", "0.05"},
                                         AxisValue{"epochs", "3"}, AxisValue{"learning_rate", "0.001"}));
  EXPECT_THAT(lora.trial.lora.targets, ElementsAre("q", "k", "v", "o"));
  EXPECT_EQ(lora.trial.lora.alpha, 16);
  const Configuration& full = sweep->configurations.at(0);
  EXPECT_THAT(full.axes, ElementsAre());
  EXPECT_THAT(full.settings, ElementsAre(AxisValue{"epochs", "3"}, AxisValue{"learning_rate", "0.0001"}));
  const Configuration& lead = sweep->configurations.at(8);
  EXPECT_THAT(lead.settings, ElementsAre(AxisValue{"sentences", "10"}));
}

TEST(Expand, AnyKeyOfAnArmMayBeAnAxis) {
  const StatusOr<Sweep> sweep = Parse(
      With("lora: {rank: [1, 8], alpha_over_rank: 2, targets: [[q, v], [q, k, v, o]], dropout: 0.05, "
           "learning_rate: 1.0e-3}",
           "lora: {rank: 2, alpha_over_rank: [1, 2], learning_rate: [1.0e-3, 3e-4], dropout: [0, 0.1], "
           "epochs: [1, 2],\n"
           "         optimizer: {name: adamw, weight_decay: [0, 0.1], betas: [[0.9, 0.98], [0.9, 0.999]]}}"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  ASSERT_EQ(sweep->configurations.size(), 1U + 64 + 2 + 3);
  const Configuration& last = sweep->configurations.at(64);
  EXPECT_EQ(last.name,
            "lora alpha_over_rank=2 learning_rate=0.0003 dropout=0.1 epochs=2 optimizer.weight_decay=0.1 "
            "optimizer.betas=0.9,0.999");
  EXPECT_EQ(last.trial.lora.alpha, 4);
  EXPECT_EQ(last.trial.lora.dropout, 0.1);
  EXPECT_EQ(last.trial.train.optimizer.weight_decay, 0.1);
  EXPECT_EQ(last.trial.train.optimizer.beta2, 0.999);
  EXPECT_EQ(sweep->configurations.at(1).trial.train.optimizer.beta2, 0.98);
  EXPECT_THAT(sweep->notes,
              ::testing::Contains("learning_rate: lora 0.001, 0.0003; full 0.0001; prompt 0.3"));
}

TEST(Expand, PromptTextBelongsToItsInitialisationOnly) {
  const StatusOr<Sweep> sweep =
      Parse(With("tokens: [5, 20], init: random", "tokens: 5, init: [random, text], init_text: Summarize"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->configurations.at(5).trial.prompt.init_text, "");
  EXPECT_EQ(sweep->configurations.at(6).trial.prompt.init_text, "Summarize");
}

// "[1, 2, …, n]"
std::string ListOf(std::int64_t first, std::int64_t count) {
  std::string list;
  for (std::int64_t i = 0; i < count; ++i) list += (list.empty() ? "[" : ", ") + std::to_string(first + i);
  return list + "]";
}

TEST(Expand, ASweepOutOfAllBoundsIsRefusedBeforeItIsMade) {
  // 2000^7 is past 64 bits.
  std::string arm = "lora: {targets: [q], ";
  for (const char* key :
       {"rank", "epochs", "patience", "warmup_steps", "validate_every", "batch_size", "alpha"}) {
    arm += fmt::format("{}: {}, ", key, ListOf(4, 2000));
  }
  const std::string yaml = With(
      "lora: {rank: [1, 8], alpha_over_rank: 2, targets: [[q, v], [q, k, v, o]], dropout: 0.05, "
      "learning_rate: 1.0e-3}",
      arm + "learning_rate: 0.1}");
  EXPECT_THAT(MistakesOf(yaml),
              ElementsAre(HasSubstr(":36:1: arms: more than 9e18 trials (configurations × seeds): at most "
                                    "1000000")));
  ParseOptions options;
  options.file = "s.yaml";
  options.most_trials = 17;  // 7 × 2 + 3
  EXPECT_TRUE(ParseSweep(GoodFile(), options).ok());
  options.most_trials = 16;
  EXPECT_THAT(LinesOf(ParseSweep(GoodFile(), options)),
              ElementsAre(HasSubstr("arms: 17 trials (configurations × seeds): at most 16")));
}

struct Grid {
  std::int64_t ranks, rates, dropouts, tokens, sentences, seeds;
};

Grid AnyGrid() {
  const auto length = [] { return *rc::gen::inRange<std::int64_t>(1, 7); };
  return {length(), length(), length(), length(), length(), length()};
}

std::string FileOf(const Grid& grid) {
  std::string rates, dropouts;
  for (std::int64_t i = 0; i < grid.rates; ++i) rates += fmt::format("{}{}e-4", i == 0 ? "" : ", ", i + 1);
  for (std::int64_t i = 0; i < grid.dropouts; ++i) dropouts += fmt::format("{}0.{}", i == 0 ? "" : ", ", i);
  return fmt::format(R"(sweep: s
model: /m
data: {{train: /t, validation: /v, test: /e}}
train: {{steps: 10, learning_rate: 0.001}}
arms:
  full: {{}}
  lora: {{rank: {}, learning_rate: [{}], dropout: [{}]}}
  prompt: {{tokens: {}}}
  lead: {{sentences: {}}}
seeds: {}
)",
                     ListOf(1, grid.ranks), rates, dropouts, ListOf(1, grid.tokens),
                     ListOf(1, grid.sentences), ListOf(0, grid.seeds));
}

RC_GTEST_PROP(ExpandProperty, SizesAreProductsNamesAreUniqueTrialsAreValid, ()) {
  const Grid grid = AnyGrid();
  const StatusOr<Sweep> sweep = Parse(FileOf(grid));
  RC_ASSERT(sweep.ok());
  const std::int64_t trained = 1 + grid.ranks * grid.rates * grid.dropouts + grid.tokens;
  RC_ASSERT(static_cast<std::int64_t>(sweep->configurations.size()) == trained + grid.sentences);
  RC_ASSERT(TrialCount(*sweep) == trained * grid.seeds + grid.sentences);

  const std::vector<PlannedTrial> trials = ExpandTrials(*sweep);
  RC_ASSERT(static_cast<std::int64_t>(trials.size()) == TrialCount(*sweep));
  std::set<std::string> names, meanings;
  for (const PlannedTrial& trial : trials) {
    names.insert(trial.name);
    Trial anonymous = TrialOf(*sweep, trial);
    RC_ASSERT(Validate(anonymous).ok());
    anonymous.configuration.clear();
    meanings.insert(ToJson(anonymous));
  }
  RC_ASSERT(names.size() == trials.size());
  RC_ASSERT(meanings.size() == trials.size());
}

}  // namespace
}  // namespace lorikeet::spec
