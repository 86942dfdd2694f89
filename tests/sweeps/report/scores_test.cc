// What a table and its exports have of scores that came from outside.
#include "sweeps/report/scores.h"

#include <algorithm>

#include "sweeps/report/arrange.h"
#include "tests/sweeps/report/extract_fixture.h"

namespace lorikeet::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ScoresReportTest : public ExtractTest {
 protected:
  void SetUp() override {
    ExtractTest::SetUp();
    const Status status = Write([&](store::Transaction& t) -> Status {
      core::ForeignRow row;
      row.sweep_id = "s-1";
      row.name = "theirs";
      row.source = "spring\x1b[31m";
      row.seeds = 2;
      row.rouge1 = {.mean = 41, .sd = 0.5};
      row.imported_at = store::At(5);
      RETURN_IF_ERROR(t.PutForeignRow(row));
      for (std::int64_t seed : {1, 2}) {
        std::vector<core::ForeignSummary> summaries;
        for (int i = 0; i < 5; ++i) {
          summaries.push_back({.document_id = fmt::format("d{}", i),
                               .summary = fmt::format("theirs of {}", seed),
                               .rouge = {.rouge1 = 0.25}});
        }
        RETURN_IF_ERROR(t.scores().PutForeignSummaries("s-1", "theirs", seed, summaries));
      }
      core::Comparison comparison{.sweep_id = "s-1", .baseline_id = full_, .metric = "rouge1"};
      comparison.difference = 1.5;
      comparison.low = 0.5;
      comparison.high = 2.5;
      comparison.p_value = comparison.p_corrected = 0.01;
      comparison.verdict = "better";
      RETURN_IF_ERROR(t.scores().PutForeignComparison({.name = "theirs", .comparison = comparison}));
      return t.scores().MarkExtended("s-1");
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  void PutScores(const std::string& metric, const std::string& configuration, std::int64_t seed,
                 double score) {
    const Status put = Write([&](store::Transaction& t) {
      core::ScoreRun run{.metric = metric, .configuration = configuration, .seed = seed, .documents = {}};
      for (int i = 0; i < 5; ++i) run.documents.emplace_back(fmt::format("d{}", i), score);
      return t.scores().PutScoreRun("s-1", run, store::At(6));
    });
    ASSERT_TRUE(put.ok()) << put;
  }
};

TEST_F(ScoresReportTest, AnImportedRowStandsWithItsVerdictAndItsSource) {
  const Table table = ReadDemo();
  const Row& row = table.rows.back();
  EXPECT_EQ(row.configuration + row.arm, "theirsimported");
  EXPECT_FALSE(row.reference);
  EXPECT_EQ(row.comparison.verdict, "better");
  EXPECT_EQ(row.difference_rouge1, 1.5);
  EXPECT_EQ(table.imported, 1);
  EXPECT_TRUE(table.extended);
  const std::string text = Render(table, Format::kText);
  EXPECT_THAT(text, HasSubstr("theirs‡"));
  EXPECT_THAT(text, HasSubstr("‡ theirs is not of this sweep, and its summaries are scored and tested"));
  EXPECT_THAT(text, HasSubstr("in imported rows over 1 more"));
  EXPECT_THAT(text, HasSubstr("Extended: rows or seeds were added"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  for (const Format format : {Format::kMarkdown, Format::kLatex, Format::kCsv, Format::kJson}) {
    EXPECT_THAT(Render(table, format), HasSubstr("theirs"));
  }
}

TEST_F(ScoresReportTest, AnotherMetricIsAColumnWhereItIsAskedFor) {
  EXPECT_THAT(Message(Arrange({.metrics = {"bertscore"}}, *std::make_unique<Table>(ReadDemo()))),
              HasSubstr("one of rouge1, rouge2, rougeL, rougeLsum"));
  PutScores("bertscore", "full", 1, 0.8);
  PutScores("bertscore", "full", 2, 0.81);
  PutScores("bertscore", "theirs", 1, 0.9);
  Table table = ReadDemo();
  EXPECT_THAT(table.more_metrics, ElementsAre("bertscore"));
  EXPECT_THAT(Render(table, Format::kText), Not(HasSubstr("bertscore"))) << "not unless it is asked for";
  ASSERT_TRUE(Arrange({.metrics = {"bertscore", "rouge1"}}, table).ok());
  ASSERT_TRUE(Arrange({.sort = "bertscore"}, table).ok());
  EXPECT_EQ(table.rows[0].configuration + ", " + table.rows[1].configuration, "theirs, full");
  EXPECT_THAT(Message(Arrange({.sort = "bertscor"}, table)), HasSubstr("did you mean 'bertscore'?"));
  table = ReadDemo();
  ASSERT_TRUE(Arrange({.metrics = {"bertscore", "rouge1"}}, table).ok());
  const std::string text = Render(table, Format::kText);
  EXPECT_THAT(text, HasSubstr("0.8050 ± 0.0071"));
  EXPECT_THAT(text, HasSubstr("Δ bertscore"));
  EXPECT_THAT(text, HasSubstr("Scored in part, and not compared: "));
  EXPECT_THAT(text, HasSubstr("theirs (1 of 2 seeds of bertscore)"));
  EXPECT_THAT(Render(table, Format::kCsv), HasSubstr("bertscore_mean,bertscore_sd,bertscore_difference"));
  const auto json = nlohmann::json::parse(Render(table, Format::kJson));
  EXPECT_NEAR(json["rows"][0]["bertscore_mean"].get<double>(), 0.805, 1e-9);
  EXPECT_TRUE(json["rows"][1]["bertscore_mean"].is_null());
}

TEST_F(ScoresReportTest, AMetricsComparisonIsReadForOwnAndImportedRows) {
  for (const char* row : {"full", "lora rank=8", "theirs"}) PutScores("m", row, 1, 0.5);
  const Status put = Write([&](store::Transaction& t) -> Status {
    core::Comparison comparison{
        .sweep_id = "s-1", .configuration_id = lora_, .baseline_id = full_, .metric = "m"};
    comparison.difference = 0.125;
    RETURN_IF_ERROR(t.PutComparison(comparison));
    comparison.configuration_id = 0;
    comparison.difference = 0.25;
    return t.scores().PutForeignComparison({.name = "theirs", .comparison = comparison});
  });
  ASSERT_TRUE(put.ok()) << put;
  const Table table = ReadDemo();
  EXPECT_EQ(table.rows[1].scores.at("m").difference, 0.125);
  EXPECT_EQ(table.rows.back().scores.at("m").difference, 0.25);
  EXPECT_FALSE(table.rows[0].scores.at("m").difference);
}

TEST_F(ScoresReportTest, TheirSummariesStandBehindTheSweepsOwn) {
  Attempt("full-1", 1);
  Finish("full-1", 1, {0.1, 0.2, 0.3, 0.4, 0.5}, store::MakeResult(0.3));
  const auto all = All(Ask("predictions", "demo"));
  ASSERT_TRUE(all.ok()) << all.status();
  const auto lines = JsonLines(*all);
  ASSERT_EQ(lines.size(), 15u);
  EXPECT_FALSE(lines[4].contains("imported"));
  EXPECT_EQ(lines[5]["configuration"], "theirs");
  EXPECT_EQ(lines[5]["imported"], true);
  EXPECT_EQ(lines[5]["split"], "test");
  EXPECT_EQ(lines[5]["id"], "d0");
  EXPECT_EQ(lines[14]["text"], "theirs of 2");
  EXPECT_EQ(lines[14]["rouge1"], 0.25);
  ExtractRequest one = Ask("predictions", "demo");
  one.configuration = "theirs";
  one.seed = 2;
  EXPECT_EQ(JsonLines(*All(one)).size(), 5u);
}

TEST_F(ScoresReportTest, WhoeverScoresGetsRunsAndReferences) {
  const auto all = All(Ask("scoring", "demo"));
  ASSERT_TRUE(all.ok()) << all.status();
  const auto lines = JsonLines(*all);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0]["sweep"], "demo");
  EXPECT_EQ(lines[0]["sentence_split"], "auto");
  EXPECT_EQ(lines[0]["documents"], 5);
  EXPECT_EQ(lines[0]["configurations"][1]["name"], "lora rank=8");
  EXPECT_EQ(lines[0]["configurations"][1]["trials"][1]["seed"], 2);
  EXPECT_EQ(lines[0]["configurations"][1]["trials"][1]["state"], "pending");
  EXPECT_EQ(lines[0]["imported"], nlohmann::json::parse(R"([{"name": "theirs", "seeds": [1, 2]}])"));
  EXPECT_EQ(lines[5], nlohmann::json::parse(R"({"id": "d4", "text": "a reference of d4"})"));
}

}  // namespace
}  // namespace lorikeet::report
