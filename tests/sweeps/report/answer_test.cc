#include "sweeps/report/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sweeps/report/tables.h"

namespace lorikeet::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void Empty(Row& row) {
  row.seeds = 0;
  row.rouge1 = {};
  row.difference_rouge1.reset();
  row.validation_rouge1.reset();
  row.trainable_share.reset();
}

TEST(AnswerTest, TheBestOnValidationNotOnTest) {
  EXPECT_EQ(Answer(MakeTable(), false),
            "On validation the best LoRA row is lora rank=8 and the best prompt row is prompt tokens=20; on "
            "test they "
            "score +0.42 and −3.10 ROUGE-1 against full fine-tuning (40.67 ± 0.21), training 0.6 % and 0.13 "
            "% of the "
            "parameters; no test of significance has been made.");
  EXPECT_THAT(Answer(MakeTable(), true), Not(HasSubstr("significance")));
}

TEST(AnswerTest, FirstOfEquals) {
  Table table = MakeTable();
  table.rows[1].validation_rouge1 = table.rows[2].validation_rouge1;
  EXPECT_EQ(BestOnValidation(table, "lora"), &table.rows[1]);
}

TEST(AnswerTest, OfASweepThatHasEndedItIsTheLastWord) {
  Table table = MakeTable();
  table.rows[1].seeds = 2;
  for (const char* state : {"finished", "cancelled"}) {
    table.state = state;
    EXPECT_THAT(Answer(table, false), StartsWith("On validation the best LoRA row is"));
  }
}

TEST(AnswerTest, UnfinishedRowsMakeItAnAnswerSoFar) {
  Table table = MakeTable();
  table.state = "running";
  table.rows[1].seeds = 2;  // not even the best
  EXPECT_THAT(Answer(table, false), StartsWith("So far, on validation the best LoRA row is lora rank=8 and"));
  table = MakeTable();
  table.state = "running";
  table.rows[2].seeds = 2;
  EXPECT_THAT(Answer(table, false),
              StartsWith("So far, on validation the best LoRA row is lora rank=8 (2 of 3 seeds) and"));
  table = MakeTable();
  table.rows[0].seeds = 1;
  table.rows[0].rouge1.sd.reset();
  EXPECT_THAT(Answer(table, false), HasSubstr("against full fine-tuning (40.67, 1 of 3 seeds)"));
  table = MakeTable();
  table.rows[4].seeds = 0;  // a reference decides nothing here
  EXPECT_THAT(Answer(table, false), StartsWith("On validation"));
}

TEST(AnswerTest, WithoutABaselineNothingIsCompared) {
  Table table = MakeTable();
  Empty(table.rows[0]);
  for (Row& row : table.rows) row.difference_rouge1.reset();
  EXPECT_EQ(Answer(table, false),
            "The baseline full has no result yet, so nothing can be compared; so far the best on validation: "
            "lora rank=8 "
            "with a test ROUGE-1 of 41.09 ± 0.21 and prompt tokens=20 with a test ROUGE-1 of 37.57 ± 0.21.");
  table.rows[0].failed = 3;
  EXPECT_THAT(Answer(table, false),
              StartsWith("All trials of the baseline full failed, so nothing can be compared; "));
  table.rows.erase(table.rows.begin());
  EXPECT_THAT(Answer(table, false), StartsWith("The sweep has no baseline, so nothing can be compared"));
}

TEST(AnswerTest, AbsentArmsAreSaid) {
  Table table = MakeTable();
  table.rows.erase(table.rows.begin() + 3);
  EXPECT_THAT(Answer(table, false), HasSubstr("; on test it scores +0.42 ROUGE-1 against"));
  EXPECT_THAT(Answer(table, false), HasSubstr("; the sweep has no prompt row to compare; no test of"));
  table = MakeTable();
  Empty(table.rows[3]);
  EXPECT_THAT(Answer(table, false), HasSubstr("; no prompt row has a result yet"));
  table.rows[3].failed = 3;
  EXPECT_THAT(Answer(table, false), HasSubstr("; every prompt trial failed"));
  table.rows = {table.rows[0], table.rows[4]};
  EXPECT_EQ(Answer(table, false),
            "There is nothing to compare full fine-tuning with; the sweep has no LoRA row to compare; the "
            "sweep has no "
            "prompt row to compare.");
}

TEST(AnswerTest, NothingYet) {
  Table table = MakeTable();
  for (Row& row : table.rows) Empty(row);
  EXPECT_EQ(Answer(table, false), "No trial has a result yet.");
  table.failed = table.trials;
  EXPECT_EQ(Answer(table, false), "No trial has a result: all of them failed.");
  EXPECT_EQ(Answer(Table(), false), "");
}

TEST(AnswerTest, AnotherBaselineIsNamedAndNoCandidate) {
  Table table = MakeTable();
  table.rows[0].baseline = false;
  table.rows[2].baseline = true;
  table.rows[1].difference_rouge1 = 0.004;
  EXPECT_THAT(Answer(table, false), StartsWith("On validation the best LoRA row is lora rank=4 and"));
  EXPECT_THAT(Answer(table, false),
              HasSubstr("score 0.00 and −3.10 ROUGE-1 against the baseline lora rank=8 (41.09"));
}

}  // namespace
}  // namespace lorikeet::report
