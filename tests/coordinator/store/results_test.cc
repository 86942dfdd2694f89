#include "tests/coordinator/store/fixture.h"

namespace lorikeet::store {
namespace {

using ::testing::HasSubstr;

class ResultsTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Fill();
    ASSERT_TRUE(Write([](Transaction& t) -> Status {
                  core::Attempt attempt = MakeAttempt("a-1", "t-1", 1, "w-1");
                  RETURN_IF_ERROR(t.UpdateAttempt(attempt));
                  RETURN_IF_ERROR(t.StagePrediction("a-1", MakePrediction("test", "d1", 0.9)));
                  RETURN_IF_ERROR(t.StagePrediction("a-1", MakePrediction("test", "d1", 0.5)));  // replaces
                  return t.StagePrediction("a-1", MakePrediction("validation", "d1", 0.25));
                }).ok());
  }
  Status Commit(std::int64_t predictions, const std::string& trial = "t-1",
                const std::string& attempt = "a-1") {
    core::Result result = MakeResult(0.4);
    result.predictions = predictions;
    result.build = "0.1.0 (trainer)";
    return Write([&](Transaction& t) { return t.CommitResult(trial, attempt, result, At(77)); });
  }
};

TEST_F(ResultsTest, PredictionsAreInvisibleUntilTheResult) {
  EXPECT_EQ(One("SELECT count(*) FROM predictions"), "0");
  ASSERT_TRUE(Commit(2).ok());
  EXPECT_EQ(
      Query(
          store_->path(),
          "SELECT trial_id, split, document_id, rouge1, rouge2, tokens, summary FROM predictions ORDER BY 2"),
      (std::vector<std::vector<std::string>>{
          {"t-1", "test", "d1", "0.5", "0.25", "5", "a summary of d1"},
          {"t-1", "validation", "d1", "0.25", "0.125", "5", "a summary of d1"}}));
  EXPECT_EQ(One("SELECT count(*) FROM staged_predictions"), "0");
}

TEST_F(ResultsTest, TheRowSaysWhatWasAskedAndMeasured) {
  ASSERT_TRUE(Commit(2).ok());
  SQLite::Database database(store_->path(), SQLite::OPEN_READONLY);
  SQLite::Statement row(database, "SELECT * FROM results");
  ASSERT_TRUE(row.executeStep());
  const auto text = [&](const char* column) { return row.getColumn(column).getString(); };
  const auto number = [&](const char* column) { return row.getColumn(column).getDouble(); };
  EXPECT_EQ(text("trial_id"), "t-1");
  EXPECT_EQ(text("attempt_id"), "a-1");
  EXPECT_EQ(text("sweep"), "demo");
  EXPECT_EQ(text("arm"), "full");
  EXPECT_EQ(text("configuration"), "full");
  EXPECT_EQ(text("build"), "0.1.0 (trainer)");
  EXPECT_EQ(text("finished_at"), "2026-03-01T12:00:00.077Z");
  EXPECT_EQ(text("device_model"), "CPU one");
  EXPECT_EQ(text("precision"), "fp32");
  EXPECT_EQ(text("data_fingerprint"), "data");
  EXPECT_EQ(text("model_fingerprint"), "model");
  EXPECT_TRUE(row.getColumn("test_loss").isNull());
  // Every number of MakeResult, each in its own column.
  const std::pair<const char*, double> numbers[] = {{"seed", 1},
                                                    {"test_rouge1", 0.4},
                                                    {"test_rouge2", 0.2},
                                                    {"test_rougeL", 0.4 / 3},
                                                    {"test_rougeLsum", 0.1},
                                                    {"validation_rouge1", 0.41},
                                                    {"validation_rouge2", 0.2},
                                                    {"validation_loss", 2.5},
                                                    {"test_documents", 40},
                                                    {"train_documents", 100},
                                                    {"empty_documents", 1},
                                                    {"kept_step", 30},
                                                    {"last_step", 60},
                                                    {"test_sources_cut", 0.5},
                                                    {"test_targets_cut", 0.25},
                                                    {"test_outputs_cut", 0.125},
                                                    {"validation_sources_cut", 0.5},
                                                    {"validation_outputs_cut", 0.125},
                                                    {"trainable_parameters", 1234},
                                                    {"trainable_share", 0.006},
                                                    {"threads", 1},
                                                    {"micro_batch_size", 4},
                                                    {"train_seconds", 10},
                                                    {"tokens_per_second", 1000},
                                                    {"peak_memory_bytes", 5e6},
                                                    {"latency_p50_seconds", 0.25},
                                                    {"latency_p95_seconds", 0.5},
                                                    {"generated_tokens_per_second", 200},
                                                    {"adapter_bytes", 4096}};
  for (const auto& [column, value] : numbers) EXPECT_DOUBLE_EQ(number(column), value) << column;
}

TEST_F(ResultsTest, ACostThatDoesNotApplyIsNull) {
  ASSERT_TRUE(Write([](Transaction& t) -> Status {
                core::Result result = MakeResult(0.4);
                result.train_seconds = result.tokens_per_second = result.generated_tokens_per_second = 0;
                result.latency_p50_seconds = result.latency_p95_seconds = 0;
                return t.CommitResult("t-1", "a-1", result, At(77));
              }).ok());
  for (const char* column : {"train_seconds", "tokens_per_second", "generated_tokens_per_second",
                             "latency_p50_seconds", "latency_p95_seconds"}) {
    EXPECT_EQ(One(fmt::format("SELECT typeof({}) FROM results", column)), "null") << column;
  }
}

TEST_F(ResultsTest, ASecondResultIsRefused) {
  ASSERT_TRUE(Commit(2).ok());
  const Status again = Commit(0);
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  EXPECT_THAT(Message(again), HasSubstr("a-1"));
  EXPECT_EQ(One("SELECT count(*) FROM results"), "1");
  EXPECT_EQ(One("SELECT count(*) FROM predictions"), "2");
}

TEST_F(ResultsTest, TheCallerMayGoOnAfterASecondResult) {
  ASSERT_TRUE(Commit(2).ok());
  EXPECT_TRUE(Write([](Transaction& t) -> Status {
                EXPECT_TRUE(absl::IsAlreadyExists(t.CommitResult("t-1", "a-1", MakeResult(0.1), At(1))));
                return t.AdvanceSequence("a-1", 9);
              }).ok());
  EXPECT_EQ(One("SELECT sequence FROM attempts WHERE id = 'a-1'"), "9");
}

TEST_F(ResultsTest, TooFewPredictionsAreRefusedAndRolledBack) {
  const Status status = Write([](Transaction& t) -> Status {
    RETURN_IF_ERROR(t.AdvanceSequence("a-1", 3));
    core::Result result = MakeResult(0.4);
    result.predictions = 3;
    return t.CommitResult("t-1", "a-1", result, At(77));
  });
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("counts 3 predictions, and 2 have come"));
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM staged_predictions"), "2");
  EXPECT_EQ(One("SELECT sequence FROM attempts"), "0");
}

TEST_F(ResultsTest, AnAttemptOfAnotherTrialIsRefused) {
  EXPECT_TRUE(absl::IsFailedPrecondition(Commit(0, "t-2", "a-1")));
  EXPECT_TRUE(absl::IsNotFound(Commit(0, "t-1", "a-9")));
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
}

TEST_F(ResultsTest, ANotANumberScoreIsRefusedWhole) {
  core::Result result = MakeResult(0.4);
  result.test.rouge.rouge2 = std::numeric_limits<double>::quiet_NaN();
  const Status status = Write([&](Transaction& t) { return t.CommitResult("t-1", "a-1", result, At(1)); });
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("test_rouge2"));
  EXPECT_EQ(One("SELECT count(*) FROM predictions"), "0");
}

TEST_F(ResultsTest, WhatOtherAttemptsStagedGoesWithTheResult) {
  ASSERT_TRUE(Write([](Transaction& t) -> Status {
                RETURN_IF_ERROR(t.InsertAttempt(MakeAttempt("a-2", "t-1", 2, "w-1")));
                RETURN_IF_ERROR(t.InsertAttempt(MakeAttempt("b-1", "t-2", 1, "w-1")));
                RETURN_IF_ERROR(t.StagePrediction("a-2", MakePrediction("test", "d9", 0.1)));
                return t.StagePrediction("b-1", MakePrediction("test", "d9", 0.1));
              }).ok());
  ASSERT_TRUE(Commit(2).ok());
  EXPECT_EQ(One("SELECT group_concat(attempt_id) FROM staged_predictions"), "b-1");
  EXPECT_EQ(One("SELECT count(*) FROM predictions WHERE document_id = 'd9'"), "0");
}

TEST_F(ResultsTest, StagedPredictionsCanBeDiscarded) {
  ASSERT_TRUE(Write([](Transaction& t) { return t.DiscardStagedPredictions("a-1"); }).ok());
  EXPECT_EQ(One("SELECT count(*) FROM staged_predictions"), "0");
  EXPECT_TRUE(absl::IsFailedPrecondition(Commit(2)));
  EXPECT_TRUE(Commit(0).ok());
}

}  // namespace
}  // namespace lorikeet::store
