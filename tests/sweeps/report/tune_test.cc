// A sweep whose rows' settings are chosen, as its readers show it: candidates are no rows, and nothing is
// read from them.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sweeps/report/report.h"
#include "tests/sweeps/report/extract_fixture.h"

namespace lorikeet::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TuneReportTest : public ExtractTest {
 protected:
  void SetUp() override {
    ExtractTest::SetUp();
    const Status status = Write([&](store::Transaction& t) -> Status {
      for (const char* rate : {"0.01", "0.02"}) {
        core::Configuration candidate =
            store::MakeConfiguration("s-1", 3, std::string("lora rank=8 learning_rate=") + rate, "lora");
        candidate.axes = {{"rank", "8"}, {"learning_rate", rate}};
        candidate.candidate_of = lora_;
        candidate.planned = 1;
        candidate.trial =
            TrialFile("lora", std::string(R"("learning_rate": )") + rate,
                      R"(, "lora": {"rank": 8, "alpha": 16.0, "targets": ["q", "v"], "dropout": 0.05})");
        ASSIGN_OR_RETURN(const std::int64_t id, t.InsertConfiguration(candidate));
        candidates_.push_back(id);
        RETURN_IF_ERROR(t.InsertTrial(store::MakeTrial("tune-" + std::string(rate), "s-1", id, 10, 101)));
      }
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
    SQLite::Database(folder_.database(), SQLite::OPEN_READWRITE)
        .exec(
            "UPDATE configurations SET tries = 2 WHERE name = 'lora rank=8';"
            R"(UPDATE sweeps SET tune = '{"axes":["learning_rate"],"by":"validation_rouge1","seeds":[101]}')");
    for (const char* trial : {"tune-0.01", "tune-0.02"}) {
      Attempt(trial, 1);
      Finish(trial, 1, {0.9, 0.9}, store::MakeResult(0.9));
    }
  }
  void Choose() {
    ASSERT_TRUE(Write([&](store::Transaction& t) {
                  return t.ChooseCandidate(lora_, candidates_[1], "learning_rate=0.02 (largest)");
                }).ok());
  }
  Table ReadTable() {
    auto report = Report::Open(folder_.database());
    EXPECT_TRUE(report.ok()) << report.status();
    auto table = (*report)->ReadTable("demo");
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ok() ? *table : Table{};
  }
  std::vector<std::int64_t> candidates_;
};

TEST_F(TuneReportTest, TheTableHasRowsAlone) {
  Choose();
  const Table table = ReadTable();
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows[0].tries, 1);
  EXPECT_EQ(table.rows[1].configuration, "lora rank=8");
  EXPECT_EQ(table.rows[1].tries, 2);
  EXPECT_EQ(table.rows[1].chosen, "lora rank=8 learning_rate=0.02");
  EXPECT_EQ(table.rows[1].edge, "learning_rate=0.02 (largest)");
  EXPECT_FALSE(table.rows[1].rouge1.mean) << "what was tried is no result of the row's";
  const std::string text = Render(table, Format::kText);
  EXPECT_THAT(text, HasSubstr("tries"));
  EXPECT_THAT(text, HasSubstr("2 (edge)"));
  EXPECT_THAT(text, HasSubstr("Chosen: lora rank=8 learning_rate=0.02."));
  EXPECT_THAT(text, HasSubstr("lora rank=8 learning_rate=0.02 (largest)"));
  EXPECT_THAT(Render(table, Format::kJson), HasSubstr(R"("chosen_from": "lora rank=8 learning_rate=0.02")"));
}

TEST_F(TuneReportTest, WithoutAnyTheTableIsAsBefore) {
  SQLite::Database(folder_.database(), SQLite::OPEN_READWRITE).exec("UPDATE configurations SET tries = 1");
  EXPECT_THAT(Render(ReadTable(), Format::kText), Not(HasSubstr("tries")));
}

TEST_F(TuneReportTest, PredictionsAreTheRowsUnlessACandidateIsNamed) {
  EXPECT_THAT(All(Ask("predictions", "demo")).status().message(),
              HasSubstr("no trial of sweep demo has a result yet"));
  ExtractRequest request = Ask("predictions", "demo");
  request.configuration = "lora rank=8 learning_rate=0.02";
  const StatusOr<std::string> lines = All(request);
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_THAT(*lines, HasSubstr("tune-0.02 on d0"));
}

TEST_F(TuneReportTest, MethodsSayHowItWasChosen) {
  Choose();
  const StatusOr<std::string> methods = All(Ask("methods", "demo"));
  ASSERT_TRUE(methods.ok()) << methods.status();
  EXPECT_THAT(*methods,
              HasSubstr("Each row's learning_rate was chosen from 2 settings for lora by the best validation "
                        "ROUGE-1 with seed 101, which is not among those of the comparison"));
  EXPECT_THAT(*methods, HasSubstr("2 seeds (1, 2)")) << "the comparison's alone";
}

TEST_F(TuneReportTest, WhatIsNotChosenCannotBeRepeated) {
  EXPECT_THAT(All(Ask("reproduce", "lora-1")).status().message(),
              HasSubstr("the settings of 'lora rank=8' are not chosen yet"));
  Choose();
  const StatusOr<std::string> script = All(Ask("reproduce", "lora-1"));
  ASSERT_TRUE(script.ok()) << script.status();
  EXPECT_THAT(*script, HasSubstr("0.02"));
}

}  // namespace
}  // namespace lorikeet::report
