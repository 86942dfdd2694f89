#include "sweeps/report/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sweeps/report/chosen.h"
#include "tests/sweeps/report/tables.h"

namespace lorikeet::report {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

void Empty(Row& row) {
  row.seeds = 0;
  row.rouge1 = {};
  row.difference_rouge1.reset();
  row.comparison = {};
  row.validation_rouge1.reset();
  row.validation_primary.reset();
  row.trainable_share.reset();
}

TEST(AnswerTest, TheBestOnValidationNotOnTest) {
  EXPECT_EQ(Answer(MakeTable()),
            "Chosen on validation, against full fine-tuning (40.67 ± 0.21 ROUGE-1): lora rank=8 scores +0.42 "
            "[−0.20, 1.04] on test, not worse than −0.50, training 0.6 % of the parameters; prompt tokens=20 "
            "−3.10 [−3.90, −2.30], worse (p < 0.001), training 0.13 % of the parameters.");
}

TEST(AnswerTest, EveryVerdictInItsWords) {
  Table table = MakeTable();
  table.margin = 0.75;
  Comparison& comparison = table.rows[2].comparison;
  const auto says = [&](const char* verdict) {
    comparison.verdict = verdict;
    return Answer(table);
  };
  EXPECT_THAT(says("better"), HasSubstr("on test, better (p = 0.34), training"));
  EXPECT_THAT(says("equivalent"), HasSubstr("on test, equivalent within ±0.75, training"));
  EXPECT_THAT(says("not worse"), HasSubstr("on test, not worse than −0.75, training"));
  EXPECT_THAT(
      says("not shown"),
      HasSubstr("on test, no difference shown, where one of 0.87 would be found in 80 % of such sweeps, "));
  comparison.reason = "2 of its seeds, where a verdict wants 3";
  EXPECT_THAT(says("withheld"),
              HasSubstr("on test, verdict withheld: 2 of its seeds, where a verdict wants 3, "));
  comparison.low.reset();
  EXPECT_THAT(says("withheld"), HasSubstr("lora rank=8 scores +0.42 on test, verdict withheld"));
}

TEST(AnswerTest, IsAboutThePrimaryMetric) {
  Table table = MakeTable();
  table.primary = "rougeLsum";
  EXPECT_THAT(Answer(table),
              StartsWith("Chosen on validation, against full fine-tuning (10.00 ± 0.00 ROUGE-Lsum): "));
}

TEST(AnswerTest, FirstOfEquals) {
  Table table = MakeTable();
  table.rows[1].validation_primary = table.rows[2].validation_primary;
  EXPECT_EQ(BestOnValidation(table, "lora"), &table.rows[1]);
}

TEST(AnswerTest, OfASweepThatHasEndedItIsTheLastWord) {
  Table table = MakeTable();
  table.rows[1].seeds = 2;
  for (const char* state : {"finished", "cancelled"}) {
    table.state = state;
    EXPECT_THAT(Answer(table), StartsWith("Chosen on validation, against full"));
  }
}

TEST(AnswerTest, UnfinishedRowsMakeItAnAnswerSoFar) {
  Table table = MakeTable();
  table.state = "running";
  table.rows[1].seeds = 2;  // not even the best
  EXPECT_THAT(Answer(table), StartsWith("So far, chosen on validation, against full fine-tuning (40.67 ± "
                                        "0.21 ROUGE-1): lora rank=8 scores"));
  table = MakeTable();
  table.state = "running";
  table.rows[2].seeds = 2;
  EXPECT_THAT(Answer(table), HasSubstr("ROUGE-1): lora rank=8 (2 of 3 seeds) scores +0.42"));
  table = MakeTable();
  table.rows[0].seeds = 1;
  table.rows[0].rouge1.sd.reset();
  EXPECT_THAT(Answer(table), HasSubstr("against full fine-tuning (40.67 ROUGE-1, 1 of 3 seeds)"));
  table = MakeTable();
  table.rows[4].seeds = 0;  // a reference decides nothing here
  EXPECT_THAT(Answer(table), StartsWith("Chosen on validation"));
}

TEST(AnswerTest, WithoutABaselineNothingIsCompared) {
  Table table = MakeTable();
  Empty(table.rows[0]);
  for (Row& row : table.rows) row.difference_rouge1.reset();
  EXPECT_EQ(Answer(table),
            "The baseline full has no result yet, so nothing can be compared; so far the best on validation: "
            "lora rank=8 "
            "with a test ROUGE-1 of 41.09 ± 0.21 and prompt tokens=20 with a test ROUGE-1 of 37.57 ± 0.21.");
  table.rows[0].failed = 3;
  EXPECT_THAT(Answer(table),
              StartsWith("All trials of the baseline full failed, so nothing can be compared; "));
  table.rows.erase(table.rows.begin());
  EXPECT_THAT(Answer(table), StartsWith("The sweep has no baseline, so nothing can be compared"));
}

TEST(AnswerTest, AbsentArmsAreSaid) {
  Table table = MakeTable();
  table.rows.erase(table.rows.begin() + 3);
  EXPECT_THAT(Answer(table), HasSubstr("): lora rank=8 scores +0.42 ["));
  EXPECT_THAT(Answer(table), EndsWith("; the sweep has no prompt row to compare."));
  table = MakeTable();
  Empty(table.rows[3]);
  EXPECT_THAT(Answer(table), HasSubstr("; no prompt row has a result yet"));
  table.rows[3].failed = 3;
  EXPECT_THAT(Answer(table), HasSubstr("; every prompt trial failed"));
  table.rows = {table.rows[0], table.rows[4]};
  EXPECT_EQ(Answer(table),
            "There is nothing to compare full fine-tuning with; the sweep has no LoRA row to compare; the "
            "sweep has no "
            "prompt row to compare.");
}

TEST(AnswerTest, NothingYet) {
  Table table = MakeTable();
  for (Row& row : table.rows) Empty(row);
  EXPECT_EQ(Answer(table), "No trial has a result yet.");
  table.failed = table.trials;
  EXPECT_EQ(Answer(table), "No trial has a result: all of them failed.");
  EXPECT_EQ(Answer(Table()), "");
}

TEST(AnswerTest, AnotherBaselineIsNamedAndNoCandidate) {
  Table table = MakeTable();
  table.rows[0].baseline = false;
  table.rows[2].baseline = true;
  table.rows[1].comparison.difference = 0.004;
  EXPECT_THAT(Answer(table),
              StartsWith("Chosen on validation, against the baseline lora rank=8 (41.09 ± 0.21 "
                         "ROUGE-1): lora rank=4 scores 0.00 [0.40"));
}

}  // namespace
}  // namespace lorikeet::report
