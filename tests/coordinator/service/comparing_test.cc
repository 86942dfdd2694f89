// Comparisons as they come to stand in the database. What the numbers are is tests/coordinator/comparison's.
#include "coordinator/service/comparing.h"

#include "coordinator/comparison/difference.h"
#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kDocuments = 12;

class ComparingTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    worker_ = Connect("w", 1);
  }

  Grant Newest() { return worker_.Grants().back(); }

  // The next trial, which the worker has, ends with a result; by its configuration its mean.
  void FinishNext(const std::map<std::string, double>& means, core::Result result = {}) {
    const Grant grant = Newest();
    const std::string configuration = grant.trial_name.substr(0, grant.trial_name.find(" seed="));
    const std::int64_t seed = TrialFromJson(grant.trial_json)->seed;
    std::vector<Event> events = {MakeStarted()};
    for (int i = 0; i < kDocuments; ++i) {
      events.emplace_back(
          store::MakePrediction("test", fmt::format("d{}", i), ScoreOf(means.at(configuration), seed, i)));
    }
    core::Result scores = MakeScores(kDocuments);
    scores.test.documents = kDocuments;
    if (!result.data_fingerprint.empty()) scores = result;
    events.emplace_back(scores);
    ASSERT_TRUE(Send(worker_, grant, 1, std::move(events)).ok());
    ASSERT_TRUE(service_->HandleClosed(worker_.session, {grant.attempt.id, grant.attempt.token}).ok());
  }
  void FailNext(const std::string& kind) {
    const Grant grant = Newest();
    ASSERT_TRUE(Send(worker_, grant, 1, {MakeStarted(), Failed{kind, "said so"}}).ok());
    ASSERT_TRUE(service_->HandleClosed(worker_.session, {grant.attempt.id, grant.attempt.token}).ok());
  }
  std::vector<std::vector<std::string>> Rows(const std::string& columns) {
    return store::Query(store_->path(),
                        "SELECT c.name, " + columns +
                            " FROM comparisons AS p JOIN configurations AS c ON c.id = p.configuration_id"
                            " WHERE p.metric = 'rouge1' ORDER BY c.id");
  }
  std::int64_t RowCount() { return std::stoll(One("SELECT count(*) FROM comparisons")); }

  FakeWorker worker_;
};

TEST_F(ComparingTest, ComeWithTheLastTrialOfBoth) {
  Submit(MakeSweep("demo", 2, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}, {"lora rank=2", 0.40}};
  for (int i = 0; i < 7; ++i) FinishNext(means);  // two seeds of all, the baseline's third
  Pass(seconds(1));
  EXPECT_EQ(RowCount(), 0);
  FinishNext(means);
  Pass(seconds(1));
  EXPECT_EQ(RowCount(), 4) << "a row a metric";
  FinishNext(means);
  Pass(seconds(1));
  EXPECT_EQ(RowCount(), 8);
  EXPECT_THAT(Rows("round(difference, 6), documents, seeds, baseline_seeds, verdict, reason"),
              ElementsAre(ElementsAre("lora rank=1", "3.0", "12", "3", "3", "better", "NULL"),
                          ElementsAre("lora rank=2", "0.0", "12", "3", "3", "equivalent", "NULL")));
  EXPECT_EQ(One("SELECT count(verdict) FROM comparisons WHERE metric <> 'rouge1'"), "0")
      << "the verdict is the primary metric's";
  EXPECT_EQ(One("SELECT count(p_corrected) FROM comparisons"), "8");
}

TEST_F(ComparingTest, AreWhatTheFormulaSaysOfTheScores) {
  Submit(MakeSweep("demo", 1, 3));
  for (int i = 0; i < 6; ++i) FinishNext({{"full", 0.40}, {"lora rank=1", 0.41}});
  Pass(seconds(1));
  const auto summary = [](double mean) {
    std::vector<std::vector<double>> scores(3);
    for (std::int64_t seed = 1; seed <= 3; ++seed) {
      // By id, as text: the order in which documents stand in the database.
      std::map<std::string, double> by_id;
      for (int i = 0; i < kDocuments; ++i) by_id[fmt::format("d{}", i)] = 100 * ScoreOf(mean, seed, i);
      for (const auto& [id, score] : by_id) scores[static_cast<std::size_t>(seed - 1)].push_back(score);
    }
    return comparison::Summarize(scores);
  };
  const comparison::Difference expected = comparison::Compare(summary(0.41), summary(0.40), 0.5);
  const auto rows = store::Query(store_->path(),
                                 "SELECT difference, low, high, p_value, p_equivalent, detectable,"
                                 " standard_error, degrees FROM comparisons WHERE metric = 'rouge1'");
  ASSERT_EQ(rows.size(), 1u);
  const comparison::Inference& inference = *expected.inference;
  const std::vector<double> values = {expected.difference,      inference.low,          inference.high,
                                      inference.p_value,        inference.p_equivalent, inference.detectable,
                                      inference.standard_error, inference.degrees};
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(std::stod(rows[0][i]), values[i], 1e-9) << i;
}

TEST_F(ComparingTest, ADivergedSeedWithholdsTheVerdictForGood) {
  Submit(MakeSweep("demo", 1, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}};
  for (int i = 0; i < 5; ++i) FinishNext(means);
  FailNext("diverged");
  Pass(seconds(1));
  EXPECT_THAT(Rows("seeds, verdict, reason, low, p_value, p_corrected"),
              ElementsAre(ElementsAre("lora rank=1", "2", "withheld", "1 of 3 seeds diverged", "NULL", "NULL",
                                      "NULL")));
}

TEST_F(ComparingTest, TwoSeedsGiveAnIntervalOfNothing) {
  Submit(MakeSweep("demo", 1, 2));
  for (int i = 0; i < 4; ++i) FinishNext({{"full", 0.40}, {"lora rank=1", 0.43}});
  Pass(seconds(1));
  EXPECT_THAT(Rows("round(difference, 6), low, verdict, reason"),
              ElementsAre(ElementsAre("lora rank=1", "3.0", "NULL", "withheld",
                                      "2 of its seeds, where a verdict wants 3")));
}

TEST_F(ComparingTest, OtherDocumentsAreNotCompared) {
  Submit(MakeSweep("demo", 2, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}, {"lora rank=2", 0.40}};
  for (int i = 0; i < 8; ++i) FinishNext(means);
  // As a file that was changed behind a host's back, or a foreign row, would have it.
  SQLite::Database(store_->path(), SQLite::OPEN_READWRITE)
      .exec("UPDATE results SET data_fingerprint = 'other' WHERE configuration = 'full' AND seed = 2");
  Pass(seconds(1));
  const auto rows = Rows("verdict, reason, p_value");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0][1], "withheld");
  EXPECT_THAT(rows[0][2], HasSubstr("the documents are not the same"));
  EXPECT_EQ(rows[0][3], "NULL");
}

TEST_F(ComparingTest, OtherBuildsAndPrecisionsAreSaidBesideTheVerdict) {
  Submit(MakeSweep("demo", 1, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}};
  for (int i = 0; i < 5; ++i) FinishNext(means);
  // As hosts would have it of which one has no bf16, or an older trainer.
  SQLite::Database(store_->path(), SQLite::OPEN_READWRITE)
      .exec(
          "UPDATE results SET precision = 'bf16', build = '0.0.9' WHERE seed = 1 AND configuration = 'full'");
  FinishNext(means);
  Pass(seconds(1));
  const auto rows = Rows("verdict, reason");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_NE(rows[0][1], "withheld");
  EXPECT_THAT(rows[0][2], HasSubstr("trained by several builds: 0.0.9, "));
  EXPECT_THAT(rows[0][2], HasSubstr("; computed in several precisions: bf16, "));
}

TEST_F(ComparingTest, WithoutPredictionsTheDifferenceIsThatOfTheMeans) {
  Submit(MakeSweep("demo", 1, 3));
  for (int i = 0; i < 6; ++i) {
    const Grant grant = Newest();
    core::Result result = MakeScores(0);
    result.test.rouge.rouge1 = grant.trial_name.starts_with("full") ? 0.40 : 0.45;
    ASSERT_TRUE(Send(worker_, grant, 1, {MakeStarted(), result}).ok());
    Close(worker_, grant);
  }
  EXPECT_THAT(
      Rows("round(difference, 6), documents, verdict, reason"),
      ElementsAre(ElementsAre("lora rank=1", "5.0", "0", "withheld", "0 documents, where a test wants two")));
}

TEST_F(ComparingTest, ASeedOfOtherDocumentsLeavesTheDifferenceOfTheMeans) {
  Submit(MakeSweep("demo", 2, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}, {"lora rank=2", 0.40}};
  for (int i = 0; i < 8; ++i) FinishNext(means);
  SQLite::Database(store_->path(), SQLite::OPEN_READWRITE)
      .exec(
          "UPDATE predictions SET document_id = 'x' WHERE document_id = 'd3' AND trial_id IN "
          "(SELECT trial_id FROM results WHERE configuration = 'lora rank=1' AND seed = 2);"
          "UPDATE results SET test_rouge1 = 0.47 WHERE configuration = 'lora rank=1'");
  Pass(seconds(1));
  EXPECT_THAT(
      Rows("round(difference, 6), verdict, reason"),
      ElementsAre(ElementsAre("lora rank=1", "7.0", "withheld",
                              "its predictions are not of the documents that the baseline's are of")));
}

TEST_F(ComparingTest, ABaselineThatWasStillImprovingYieldsNoBetter) {
  Submit(MakeSweep("demo", 1, 3));
  core::Result at_the_end = MakeScores(kDocuments);
  at_the_end.test.documents = kDocuments;
  at_the_end.kept_step = at_the_end.last_step = 60;
  for (int i = 0; i < 6; ++i) FinishNext({{"full", 0.40}, {"lora rank=1", 0.43}}, at_the_end);
  Pass(seconds(1));
  const auto rows = Rows("verdict, reason");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0][1], "not worse");
  EXPECT_THAT(rows[0][2], HasSubstr("still improving"));
}

TEST_F(ComparingTest, ARetriedTrialTakesThemAwayAndBringsThemBack) {
  Submit(MakeSweep("demo", 2, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}, {"lora rank=2", 0.40}};
  for (int i = 0; i < 8; ++i) FinishNext(means);
  FailNext("bad_input");
  Pass(seconds(1));
  ASSERT_EQ(RowCount(), 8);
  EXPECT_EQ(Rows("reason")[1][1], "2 of 3 seeds are in");
  ASSERT_TRUE(service_->Retry("demo").ok());
  EXPECT_EQ(RowCount(), 4) << "in the retry's own transaction";
  FinishNext(means);
  Pass(seconds(1));
  EXPECT_THAT(Rows("verdict"),
              ElementsAre(ElementsAre("lora rank=1", "better"), ElementsAre("lora rank=2", "equivalent")));
}

TEST_F(ComparingTest, ARetriedBaselineTakesAllOfThem) {
  Submit(MakeSweep("demo", 2, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}, {"lora rank=2", 0.40}};
  for (int i = 0; i < 6; ++i) FinishNext(means);
  ASSERT_EQ(Newest().trial_name, "full seed=3");
  FailNext("bad_input");
  for (int i = 0; i < 2; ++i) FinishNext(means);
  Pass(seconds(1));
  ASSERT_EQ(RowCount(), 8);
  EXPECT_EQ(Rows("reason")[0][1], "2 of 3 the baseline's seeds are in");
  ASSERT_TRUE(service_->Retry("demo").ok());
  EXPECT_EQ(RowCount(), 0);
  FinishNext(means);
  Pass(seconds(1));
  EXPECT_THAT(Rows("verdict, baseline_seeds"), ElementsAre(ElementsAre("lora rank=1", "better", "3"),
                                                           ElementsAre("lora rank=2", "equivalent", "3")));
}

TEST_F(ComparingTest, TheVerdictsAreThereWithTheSweepsEnd) {
  Submit(MakeSweep("demo", 1, 3));
  for (int i = 0; i < 6; ++i) FinishNext({{"full", 0.40}, {"lora rank=1", 0.43}});
  EXPECT_EQ(One("SELECT state FROM sweeps"), "finished");
  EXPECT_THAT(Rows("verdict"), ElementsAre(ElementsAre("lora rank=1", "better"))) << "without a tick";
}

TEST_F(ComparingTest, ARestartMakesWhatWasMissing) {
  Submit(MakeSweep("demo", 2, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}, {"lora rank=2", 0.40}};
  for (int i = 0; i < 8; ++i) FinishNext(means);
  ASSERT_EQ(RowCount(), 0) << "killed before the next tick";
  Restart();
  Pass(seconds(1));
  EXPECT_THAT(Rows("verdict"), ElementsAre(ElementsAre("lora rank=1", "better")));
  const std::string before = One("SELECT group_concat(p_value || verdict) FROM comparisons");
  Restart();
  Pass(seconds(2));
  EXPECT_EQ(One("SELECT group_concat(p_value || verdict) FROM comparisons"), before);
}

TEST_F(ComparingTest, AReferenceHasADifferenceAndNoVerdict) {
  spec::Sweep sweep = MakeSweep("demo", 0, 3);
  spec::Configuration lead = sweep.configurations[0];
  lead.name = lead.arm = lead.trial.configuration = "zero_shot";
  lead.trial.method = Method::kZeroShot;
  lead.baseline = false;
  sweep.configurations.push_back(lead);
  Submit(sweep);
  for (int i = 0; i < 4; ++i) FinishNext({{"full", 0.40}, {"zero_shot", 0.30}});
  Pass(seconds(1));
  EXPECT_THAT(Rows("verdict, reason, difference < -9"),
              ElementsAre(ElementsAre("zero_shot", "withheld", "it runs once, without seeds", "1")));
  EXPECT_EQ(One("SELECT family FROM sweeps"), "0");
}

TEST_F(ComparingTest, TheFamilyIsThatOfTheSubmission) {
  Submit(MakeSweep("demo", 5, 3));
  EXPECT_EQ(One("SELECT family FROM sweeps"), "5");
  const std::map<std::string, double> means = {{"full", 0.40},        {"lora rank=1", 0.43},
                                               {"lora rank=2", 0.40}, {"lora rank=3", 0.40},
                                               {"lora rank=4", 0.40}, {"lora rank=5", 0.40}};
  for (int i = 0; i < 14; ++i) FinishNext(means);  // one configuration is complete beside the baseline
  Pass(seconds(1));
  ASSERT_EQ(Rows("1").size(), 1u);
  EXPECT_EQ(One("SELECT round(p_corrected / p_value, 6) FROM comparisons WHERE metric = 'rouge1'"), "5.0");
}

TEST_F(ComparingTest, WhereTheDatabaseIsLockedTheyComeLater) {
  Submit(MakeSweep("demo", 2, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}, {"lora rank=2", 0.40}};
  for (int i = 0; i < 8; ++i) FinishNext(means);
  {
    SQLite::Database other(store_->path(), SQLite::OPEN_READWRITE);
    other.exec("BEGIN IMMEDIATE");
    service_->Tick().IgnoreError();
    EXPECT_EQ(RowCount(), 0);
    other.exec("ROLLBACK");
  }
  Pass(seconds(1));
  EXPECT_THAT(Rows("verdict"), ElementsAre(ElementsAre("lora rank=1", "better")));
}

}  // namespace
}  // namespace lorikeet::service
