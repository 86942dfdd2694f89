#include "sweeps/report/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "sweeps/report/answer.h"
#include "sweeps/report/cells.h"
#include "tests/sweeps/report/tables.h"

namespace lorikeet::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(CellsTest, Numbers) {
  EXPECT_EQ(Percent(1), "100 %");
  EXPECT_EQ(Percent(0.125), "12 %");
  EXPECT_EQ(Percent(0.0995), "10 %");
  EXPECT_EQ(Percent(0.051), "5.1 %");
  EXPECT_EQ(Percent(0.006), "0.6 %");
  EXPECT_EQ(Percent(0.00608), "0.61 %");
  EXPECT_EQ(Percent(0.000061), "0.0061 %");
  EXPECT_EQ(Percent(0), "0 %");
  EXPECT_EQ(Duration(0), "0.0 s");
  EXPECT_EQ(Duration(9.96), "10 s");
  EXPECT_EQ(Duration(59.7), "1 min 00 s");
  EXPECT_EQ(Duration(185), "3 min 05 s");
  EXPECT_EQ(Duration(7800), "2 h 10 min");
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(-1234567), "-1,234,567");
  EXPECT_EQ(Signed(0.421), "+0.42");
  EXPECT_EQ(Signed(-3.1), "−3.10");
  EXPECT_EQ(Signed(-0.001), "0.00");
}

TEST(CellsTest, SeedsThatAreIn) {
  Row row;
  row.seeds = row.planned = 3;
  EXPECT_EQ(SeedsText(row), "3");
  row.seeds = 2;
  EXPECT_EQ(SeedsText(row), "2/3");
  row.failures = {"1 diverged"};
  EXPECT_EQ(SeedsText(row), "2/3, 1 diverged");
  row.running = 1;
  EXPECT_EQ(SeedsText(row), "2/3, 1 diverged, 1 running");
}

TEST(CellsTest, WidthsOnATerminal) {
  EXPECT_EQ(DisplayWidth("40.67 ± 0.21"), 12u);
  EXPECT_EQ(DisplayWidth("−–Δ"), 3u);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1u);  // with a combining accent
  EXPECT_EQ(DisplayWidth("漢字"), 4u);
  EXPECT_EQ(DisplayWidth("\xff"), 1u);
}

TEST(TextTest, TheTable) {
  Table table = MakeTable();
  table.answer = Answer(table);
  const std::vector<std::string> lines = Lines(RenderText(table, false));
  ASSERT_GE(lines.size(), 20u);
  EXPECT_EQ(lines[0], "demo: finished, 14 of 14 trials succeeded");
  EXPECT_EQ(
      lines[2],
      "configuration     seeds       ROUGE-1       ROUGE-2      ROUGE-L    ROUGE-Lsum  Δ ROUGE-1   95 % "
      "interval        p  detectable    verdict");
  EXPECT_EQ(lines[4],
            "full (baseline)   3      40.67 ± 0.21  20.34 ± 0.10  9.50 ± 1.00  10.00 ± 0.00          –  "
            "             –        –           –          –");
  EXPECT_EQ(lines[6],
            "lora rank=8       3      41.09 ± 0.21  20.55 ± 0.10  9.50 ± 1.00  10.00 ± 0.00      +0.42  "
            " [−0.20, 1.04]     0.34        0.87  not worse");
  EXPECT_EQ(lines[7],
            "prompt tokens=20  3      37.57 ± 0.21  18.79 ± 0.10  9.50 ± 1.00  10.00 ± 0.00      −3.10  "
            "[−3.90, −2.30]  < 0.001        1.12      worse");
  EXPECT_EQ(lines[8],
            "lead sentences=3  1             30.00         15.00         9.50         10.00     −10.67  "
            "             –        –           –          –");
  for (std::size_t i = 3; i < 9; ++i) EXPECT_EQ(DisplayWidth(lines[i]), DisplayWidth(lines[2])) << lines[i];
  EXPECT_EQ(lines[10],
            "configuration      trainable   share  adapter  train time  trained tok/s  device-hours  memory  "
            "latency "
            "p50  latency p95  generated tok/s");
  EXPECT_EQ(
      lines[12],
      "full (baseline)   76,961,152   100 %        –  3 min 05 s              –             –       –       "
      "     –            –            1,234");
  for (std::size_t i = 11; i < 17; ++i)
    EXPECT_EQ(DisplayWidth(lines[i]), DisplayWidth(lines[10])) << lines[i];
  EXPECT_THAT(RenderText(table, false),
              HasSubstr("\nNote: prompt trains 10 epochs, the others 3\n\nChosen on validation, against"));
  EXPECT_THAT(lines, ::testing::Contains("Times and speeds were measured on CPU one."));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("corrected (Holm) over 3 trained rows. Margin: 0.50.")));
}

TEST(TextTest, ASweepWithoutIntervalsHasNoColumnsForThem) {
  Table table = MakeTable();
  for (Row& row : table.rows) row.comparison.low.reset();
  const std::vector<std::string> lines = Lines(RenderText(table, false));
  EXPECT_THAT(lines[2], ::testing::EndsWith("Δ ROUGE-1    verdict"));
  EXPECT_THAT(RenderText(table, false), Not(HasSubstr("Holm")));
}

TEST(TextTest, SaysWhyThereIsNoVerdict) {
  Table table = MakeTable();
  for (const std::size_t i : {1u, 2u, 3u}) {
    table.rows[i].comparison.verdict = "withheld";
    table.rows[i].comparison.reason = i == 3 ? "1 of 3 seeds diverged" : "2 of 3 seeds are in";
  }
  const std::string text = RenderText(table, false);
  EXPECT_THAT(text, HasSubstr("\nVerdict withheld, since 1 of 3 seeds diverged: prompt tokens=20.\n"));
  EXPECT_THAT(text, HasSubstr("\nVerdict withheld, since 2 of 3 seeds are in: lora rank=4, lora rank=8.\n"));
}

TEST(TextTest, OfManyRowsWithOneReasonSomeAreNamed) {
  Table table = MakeTable();
  table.rows.resize(1);
  for (int i = 0; i < 20; ++i) {
    Row row = MakeRow("lora", fmt::format("lora rank={}", i), 41, 41);
    row.comparison.verdict = "withheld";
    row.comparison.reason = "1 of 3 seeds are in";
    table.rows.push_back(row);
  }
  EXPECT_THAT(RenderText(table, false), HasSubstr("lora rank=4, lora rank=5 and 14 more.\n"));
}

TEST(TextTest, ARowOfOthersIsShownWithItsSourceAndNotTested) {
  Table table = MakeTable();
  Row row;
  row.arm = "foreign";
  row.reference = true;
  row.configuration = "LoRA, Large";
  row.source = "a paper\x1b[2J";
  row.rouge1 = {.mean = 43.52, .sd = 0.18};
  row.trainable_share = 0.006;
  table.rows.push_back(row);
  const std::string text = RenderText(table, false);
  EXPECT_THAT(text, HasSubstr("\nLoRA, Large‡      –      43.52 ± 0.18 "));
  EXPECT_THAT(text,
              HasSubstr("\n‡ LoRA, Large is not of this sweep, and not tested against: a paper?[2J.\n"));
  EXPECT_THAT(RenderLatex(table), HasSubstr("LoRA, Large$^{\\ddagger}$ & -- & 43.52 $\\pm$ 0.18"));
  EXPECT_EQ(nlohmann::json::parse(RenderJson(table))["rows"][5]["source"], "a paper\x1b[2J");
  table.rows = {row};
  table.rows[0].seeds = 5;
  EXPECT_EQ(Answer(table), "No trial has a result yet.");
}

TEST(TextTest, RowsThatWereStillImprovingAreMarked) {
  Table table = MakeTable();
  table.rows[0].still_improving = table.rows[2].still_improving = true;
  const std::string text = RenderText(table, false);
  EXPECT_THAT(text, HasSubstr("\nfull† (baseline)  3 "));
  EXPECT_THAT(text, HasSubstr("\nlora rank=8†      3 "));
  EXPECT_THAT(text, HasSubstr("\n† still improving: "));
  EXPECT_THAT(RenderText(MakeTable(), false), Not(HasSubstr("†")));
}

TEST(TextTest, ColourMarksTheBaselineAndTheBest) {
  const std::string text = RenderText(MakeTable(), true);
  EXPECT_THAT(text, HasSubstr("\n\x1b[1mfull (baseline)"));
  EXPECT_THAT(text, HasSubstr("\n\x1b[32mlora rank=8"));
  EXPECT_THAT(text, HasSubstr("\n\x1b[32mprompt tokens=20"));
  EXPECT_THAT(text, HasSubstr("\x1b[0m\nlora rank=4"));
  EXPECT_THAT(RenderText(MakeTable(), false), Not(HasSubstr("\x1b")));
}

TEST(TextTest, HostileNamesCannotDriveTheTerminal) {
  Table table = MakeTable();
  table.sweep = "a\x1b[2J";
  table.rows[1].configuration = "x\ny";
  table.notes = {"\x1b]0;"};
  const std::string text = RenderText(table, false);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("x?y"));
}

TEST(TextTest, UnlikeDevicesAreSaid) {
  Table table = MakeTable();
  table.rows[1].device_model = "GPU two";
  table.rows[2].device_model.reset();
  table.rows[2].train_seconds.reset();
  const std::string text = RenderText(table, false);
  EXPECT_THAT(
      text,
      HasSubstr("come from several device models (CPU one; GPU two): rows differ for that reason too."));
  EXPECT_THAT(text, HasSubstr("No times for lora rank=8: the seeds ran on several device models."));
}

TEST(TextTest, ASweepThatHasOnlyBegun) {
  Table table = MakeTable();
  table.state = "running";
  table.succeeded = 0;
  for (Row& row : table.rows) {
    Row fresh;
    fresh.arm = row.arm;
    fresh.configuration = row.configuration;
    fresh.baseline = row.baseline;
    fresh.planned = 3;
    row = fresh;
  }
  table.failed = 1;
  table.rows[1].failures = {"1 oom"};
  const std::vector<std::string> lines = Lines(RenderText(table, false));
  EXPECT_EQ(lines[0], "demo: running, 0 of 14 trials succeeded, 1 failed");
  EXPECT_THAT(lines[5], ::testing::StartsWith("lora rank=4       0/3, 1 oom  "));
  EXPECT_THAT(lines[5], HasSubstr("–"));
}

TEST(MarkdownTest, EscapesAndAligns) {
  Table table = MakeTable();
  table.rows[1].configuration = "lora learning_rate=1|2 *x*";
  table.notes = {"<b>"};
  const std::string text = RenderMarkdown(table);
  const std::vector<std::string> lines = Lines(text);
  EXPECT_EQ(lines[1], "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  EXPECT_THAT(lines[2], HasSubstr("| full (baseline) | 3 | 40.67 ± 0.21 |"));
  EXPECT_THAT(lines[4], HasSubstr("| **lora rank=8** | **3** | **41.09 ± 0.21** |"));
  EXPECT_THAT(lines[3], HasSubstr("| lora learning\\_rate=1\\|2 \\*x\\* | 3 | 42.00 ± 0.21 |"));
  EXPECT_THAT(text, HasSubstr("\n- \\<b\\>\n"));
}

TEST(LatexTest, EscapesWhatTexReads) {
  Table table = MakeTable();
  table.rows[1].configuration = "a_b & c% $d #e {f} ~g ^h \\i <j>";
  const std::string text = RenderLatex(table);
  EXPECT_THAT(text, HasSubstr("\\begin{tabular}{llrrrrrrrrr}\n\\toprule\nconfiguration & seeds & ROUGE-1 &"));
  EXPECT_THAT(text, HasSubstr("a\\_b \\& c\\% \\$d \\#e \\{f\\} \\textasciitilde{}g \\textasciicircum{}h "
                              "\\textbackslash{}i $<$j$>$ & 3 & 42.00 $\\pm$ 0.21 &"));
  EXPECT_THAT(text, HasSubstr("\\textbf{lora rank=8} & \\textbf{3} & \\textbf{41.09 $\\pm$ 0.21}"));
  EXPECT_THAT(text, HasSubstr("& \\textbf{$-$3.10}$^{*}$ & \\textbf{[$-$3.90, $-$2.30]} &"));
  for (const char* raw : {"±", "−", "–", "Δ"}) EXPECT_THAT(text, Not(HasSubstr(raw)));
}

TEST(CsvTest, IsRfc4180WithAllDigits) {
  Table table = MakeTable();
  table.rows[1].configuration = "lora targets=[q, v] \"x\"";
  table.rows[1].rouge1.mean = 0.1 + 0.2;
  table.rows[1].failures = {"1 oom", "1 diverged"};
  const std::string text = RenderCsv(table);
  EXPECT_THAT(
      text,
      HasSubstr(
          "sweep,arm,configuration,baseline,reference,seeds,planned,failed,running,failures,rouge1_mean,"
          "rouge1_sd,"));
  EXPECT_THAT(text, HasSubstr("\r\ndemo,lora,\"lora targets=[q, v] \"\"x\"\"\",false,false,3,3,0,0,1 oom; 1 "
                              "diverged,0.30000000000000004,0.21,"));
  EXPECT_THAT(text, HasSubstr("\r\ndemo,lead,lead sentences=3,false,true,1,1,0,0,,30.0,,15.0,,"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6);
  EXPECT_EQ(text.substr(text.size() - 2), "\r\n");
}

TEST(JsonTest, IsComplete) {
  Table table = MakeTable();
  table.answer = "x";
  const auto json = nlohmann::json::parse(RenderJson(table));
  EXPECT_EQ(json["sweep_id"], "s-1");
  EXPECT_EQ(json["rows"].size(), 5u);
  EXPECT_EQ(json["rows"][2]["rouge1_mean"], 41.09);
  EXPECT_EQ(json["rows"][4]["rouge1_sd"], nullptr);
  EXPECT_EQ(json["rows"][0]["baseline"], true);
  EXPECT_EQ(json["notes"][0], "prompt trains 10 epochs, the others 3");
  EXPECT_EQ(json["answer"], "x");
}

TEST(FormatTest, NamesGoBothWays) {
  for (const char* name : {"text", "markdown", "latex", "csv", "json"}) {
    EXPECT_FALSE(Render(MakeTable(), *ParseFormat(name)).empty());
  }
  EXPECT_EQ(Message(ParseFormat("markdwon").status()),
            "format 'markdwon': text, markdown, latex, csv or json; did you mean 'markdown'?");
  EXPECT_EQ(Render(MakeTable(), Format::kCsv), RenderCsv(MakeTable()));
}

}  // namespace
}  // namespace lorikeet::report
