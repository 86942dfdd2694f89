// The views' numbers, each computed by hand.
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::store {
namespace {

using Rows = std::vector<std::vector<std::string>>;
using ::testing::HasSubstr;
using ::testing::Not;

class ViewsTest : public StoreTest {
 protected:
  // full on seeds 1 to 3; lora with rank 4 and 16 at two learning rates; lead once; prompt with no result.
  void SetUp() override {
    StoreTest::SetUp();
    const Status status = store_->Write([&](Transaction& t) -> Status {
      RETURN_IF_ERROR(t.InsertSweep(MakeSweep("s-1", "demo")));
      RETURN_IF_ERROR(t.UpsertWorker(MakeWorker("w-1")));
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
    full_ = Add("full", "full", {}, {0.40, 0.42, 0.41}, true);
    Add("lora rank=4 learning_rate=0.001", "lora", {{"rank", "4"}, {"learning_rate", "0.001"}}, {0.43, 0.45});
    Add("lora rank=16 learning_rate=0.001", "lora", {{"rank", "16"}, {"learning_rate", "0.001"}}, {0.39});
    Add("lead sentences=3", "lead", {{"sentences", "3"}}, {0.30});
    prompt_ = Add("prompt tokens=5", "prompt", {{"tokens", "5"}}, {});
  }

  std::int64_t Add(const std::string& name, const std::string& arm,
                   const std::vector<std::pair<std::string, std::string>>& axes,
                   const std::vector<double>& scores, bool baseline = false) {
    std::int64_t id = 0;
    const Status status = store_->Write([&](Transaction& t) -> Status {
      core::Configuration configuration = MakeConfiguration("s-1", position_++, name, arm);
      configuration.axes = axes;
      configuration.baseline = baseline;
      configuration.planned = arm == "lead" ? 1 : 3;
      ASSIGN_OR_RETURN(id, t.InsertConfiguration(configuration));
      for (std::int64_t seed = 1; seed <= configuration.planned; ++seed) {
        const std::string trial = fmt::format("t-{}-{}", id, seed);
        RETURN_IF_ERROR(t.InsertTrial(MakeTrial(trial, "s-1", id, seed, seed)));
        RETURN_IF_ERROR(t.InsertAttempt(MakeAttempt("a-" + trial, trial, 1, "w-1")));
        if (static_cast<std::size_t>(seed) > scores.size()) continue;
        core::Result result = MakeResult(scores[static_cast<std::size_t>(seed) - 1]);
        result.train_seconds = static_cast<double>(10 * seed);
        RETURN_IF_ERROR(t.CommitResult(trial, "a-" + trial, result, At(9)));
      }
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return id;
  }
  Rows Read(const std::string& sql) { return Query(store_->path(), sql); }
  std::int64_t position_ = 0, prompt_ = 0;
};

TEST_F(ViewsTest, RougeTable) {
  EXPECT_EQ(Read("SELECT sweep, arm, configuration, seeds, planned, failed, baseline FROM rouge_table"),
            (Rows{{"demo", "full", "full", "3", "3", "0", "1"},
                  {"demo", "lora", "lora rank=4 learning_rate=0.001", "2", "3", "0", "0"},
                  {"demo", "lora", "lora rank=16 learning_rate=0.001", "1", "3", "0", "0"},
                  {"demo", "lead", "lead sentences=3", "1", "1", "0", "0"},
                  {"demo", "prompt", "prompt tokens=5", "0", "3", "0", "0"}}));
  // sd of 40, 42, 41 is 1; of 43, 45 it is sqrt(2); of one there is none.
  EXPECT_EQ(
      Read("SELECT round(rouge1_mean, 9), round(rouge1_sd, 9), round(rouge2_mean, 9), round(rouge2_sd, 9),"
           " round(rougeL_mean, 9), round(rougeLsum_mean, 9), round(rougeLsum_sd, 9),"
           " round(validation_rouge1_mean, 9), validation_loss_mean FROM rouge_table"),
      (Rows{{"41.0", "1.0", "20.5", "0.5", "13.666666667", "10.25", "0.25", "42.0", "2.5"},
            {"44.0", "1.414213562", "22.0", "0.707106781", "14.666666667", "11.0", "0.353553391", "45.0",
             "2.5"},
            {"39.0", "NULL", "19.5", "NULL", "13.0", "9.75", "NULL", "40.0", "2.5"},
            {"30.0", "NULL", "15.0", "NULL", "10.0", "7.5", "NULL", "31.0", "2.5"},
            {"NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"}}));
  EXPECT_EQ(Read("SELECT trainable_parameters, round(trainable_percent, 9), train_seconds, tokens_per_second,"
                 " generated_tokens_per_second, latency_p50_seconds, latency_p95_seconds, peak_memory_bytes, "
                 "adapter_bytes,"
                 " device_model FROM rouge_table WHERE arm IN ('full', 'prompt')"),
            (Rows{{"1234", "0.6", "20.0", "1000.0", "200.0", "0.25", "0.5", "5000000", "4096", "CPU one"},
                  {"NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"}}));
}

TEST_F(ViewsTest, CostsOverSeveralDeviceModelsAreNull) {
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                core::Result result = MakeResult(0.35);
                RETURN_IF_ERROR(t.CommitResult(fmt::format("t-{}-1", prompt_),
                                               fmt::format("a-t-{}-1", prompt_), result, At(9)));
                result.device_model = "GPU two";
                return t.CommitResult(fmt::format("t-{}-2", prompt_), fmt::format("a-t-{}-2", prompt_),
                                      result, At(9));
              }).ok());
  EXPECT_EQ(Read("SELECT seeds, train_seconds, generated_tokens_per_second, peak_memory_bytes, device_model, "
                 "adapter_bytes,"
                 " rouge1_mean FROM rouge_table WHERE arm = 'prompt'"),
            (Rows{{"2", "NULL", "NULL", "NULL", "NULL", "4096", "35.0"}}));
}

TEST_F(ViewsTest, SeedsThatAgreeDeviateByNothingAndCloseOnesByTheirOwn) {
  Add("lora rank=1", "lora", {{"rank", "1"}}, {0.1, 0.1, 0.1});
  Add("lora rank=2", "lora", {{"rank", "2"}}, {0.4, 0.4001, 0.4002});
  EXPECT_EQ(One("SELECT rouge1_sd FROM rouge_table WHERE configuration = 'lora rank=1'"), "0.0");
  EXPECT_EQ(One("SELECT round(rouge1_sd, 6) FROM rouge_table WHERE configuration = 'lora rank=2'"), "0.01");
}

TEST_F(ViewsTest, FingerprintsThatDifferBetweenSeedsAreNull) {
  EXPECT_EQ(One("SELECT data_fingerprint IS NOT NULL AND model_fingerprint IS NOT NULL FROM rouge_table"
                " WHERE arm = 'full'"),
            "1");
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                core::Result result = MakeResult(0.35);
                for (const int seed : {1, 2}) {
                  result.model_fingerprint = fmt::format("base {}", seed);
                  RETURN_IF_ERROR(t.CommitResult(fmt::format("t-{}-{}", prompt_, seed),
                                                 fmt::format("a-t-{}-{}", prompt_, seed), result, At(9)));
                }
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(One("SELECT data_fingerprint IS NOT NULL AND model_fingerprint IS NULL FROM rouge_table"
                " WHERE arm = 'prompt'"),
            "1");
}

// However many sweeps a file holds, a table costs what its own sweep's results do.
TEST_F(ViewsTest, ASweepIsLookedUpAndNothingIsSorted) {
  std::string plan;
  for (const auto& row : Read("EXPLAIN QUERY PLAN SELECT * FROM rouge_table WHERE sweep = 'demo'")) {
    plan += row.at(3) + "\n";
  }
  EXPECT_THAT(plan, HasSubstr("SEARCH r USING INDEX results_by_configuration (sweep=? AND configuration=?)"));
  EXPECT_THAT(plan, HasSubstr("SEARCH w USING INDEX"));
  EXPECT_THAT(plan, Not(HasSubstr("GROUP BY"))) << "sorts";
}

TEST_F(ViewsTest, FailedTrialsAreCounted) {
  ASSERT_TRUE(Write([&](Transaction& t) {
                core::Trial trial = MakeTrial(fmt::format("t-{}-2", prompt_), "s-1", prompt_, 2, 2);
                trial.state = core::TrialState::kFailed;
                return t.UpdateTrial(trial);
              }).ok());
  EXPECT_EQ(One("SELECT failed FROM rouge_table WHERE arm = 'prompt'"), "1");
}

TEST_F(ViewsTest, VersusFull) {
  EXPECT_EQ(
      Read("SELECT arm, baseline, baseline_seeds, round(rouge1_baseline, 9), round(rouge1_difference, 9),"
           " round(rouge2_difference, 9), rouge1_low, rouge1_verdict FROM versus_full"),
      (Rows{{"full", "full", "3", "41.0", "0.0", "0.0", "NULL", "NULL"},
            {"lora", "full", "3", "41.0", "3.0", "1.5", "NULL", "NULL"},
            {"lora", "full", "3", "41.0", "-2.0", "-1.0", "NULL", "NULL"},
            {"lead", "full", "3", "41.0", "-11.0", "-5.5", "NULL", "NULL"},
            {"prompt", "full", "3", "41.0", "NULL", "NULL", "NULL", "NULL"}}));
}

TEST_F(ViewsTest, AComparisonsOwnDifferenceGoesFirst) {
  {
    SQLite::Database database(store_->path(), SQLite::OPEN_READWRITE);
    database.exec(
        "INSERT INTO comparisons (sweep_id, configuration_id, baseline_id, metric, difference, low, high, "
        "p_value, "
        "p_corrected, verdict) SELECT 's-1', k.id, b.id, 'rouge1', 2.75, 1, 4, 0.01, 0.02, 'better'"
        " FROM configurations AS k, configurations AS b WHERE k.name LIKE 'lora rank=4 %' AND b.name = "
        "'full'");
  }
  EXPECT_EQ(
      Read("SELECT rouge1_difference, rouge1_low, rouge1_high, rouge1_p, rouge1_p_corrected, rouge1_verdict,"
           " round(rouge2_difference, 9), rouge2_verdict FROM versus_full WHERE configuration LIKE 'lora "
           "rank=4 %'"),
      (Rows{{"2.75", "1.0", "4.0", "0.01", "0.02", "better", "1.5", "NULL"}}));
}

TEST_F(ViewsTest, SensitivityHoldsTheOtherAxesFixed) {
  EXPECT_EQ(
      Read("SELECT arm, axis, value, typeof(value), held, seeds, round(mean, 9), round(sd, 9), round(low, 9),"
           " round(high, 9) FROM sensitivity WHERE metric = 'rouge1' AND axis = 'rank'"),
      (Rows{
          {"lora", "rank", "4", "integer", "learning_rate=0.001", "2", "44.0", "1.414213562", "43.0", "45.0"},
          {"lora", "rank", "16", "integer", "learning_rate=0.001", "1", "39.0", "NULL", "39.0", "39.0"}}));
  EXPECT_EQ(Read("SELECT value, held FROM sensitivity WHERE metric = 'rougeL' AND axis = 'learning_rate'"),
            (Rows{{"0.001", "rank=16"}, {"0.001", "rank=4"}}));
  EXPECT_EQ(Read("SELECT held, seeds, mean FROM sensitivity WHERE metric = 'rouge1' AND arm = 'prompt'"),
            (Rows{{"", "0", "NULL"}}));
  EXPECT_EQ(Read("SELECT sd, seeds FROM sensitivity WHERE metric = 'rouge1' AND arm = 'lead'"),
            (Rows{{"NULL", "1"}}));
  EXPECT_EQ(Read("SELECT count(*) FROM sensitivity WHERE arm = 'full'"), (Rows{{"0"}}));
}

}  // namespace
}  // namespace lorikeet::store
