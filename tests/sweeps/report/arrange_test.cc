#include "sweeps/report/arrange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sweeps/report/tables.h"

namespace lorikeet::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> NamesOf(const Table& table) {
  std::vector<std::string> names;
  for (const Row& row : table.rows) names.push_back(row.configuration);
  return names;
}

Table Arranged(const Arrangement& arrangement) {
  Table table = MakeTable();
  const Status status = Arrange(arrangement, table);
  EXPECT_TRUE(status.ok()) << status;
  return table;
}

TEST(ArrangeTest, TheBestStandsFirstWhicheverEndThatIs) {
  EXPECT_THAT(NamesOf(Arranged({})),
              ElementsAre("full", "lora rank=4", "lora rank=8", "prompt tokens=20", "lead sentences=3"));
  EXPECT_THAT(NamesOf(Arranged({.sort = "rouge1"})),
              ElementsAre("lora rank=4", "lora rank=8", "full", "prompt tokens=20", "lead sentences=3"));
  EXPECT_THAT(NamesOf(Arranged({.sort = "trainable_parameters"})),
              ElementsAre("lead sentences=3", "lora rank=4", "lora rank=8", "prompt tokens=20", "full"));
  EXPECT_THAT(NamesOf(Arranged({.sort = "p"})),
              ElementsAre("prompt tokens=20", "lora rank=4", "lora rank=8", "full", "lead sentences=3"))
      << "without a value: last, as they stood";
}

TEST(ArrangeTest, EveryKeySorts) {
  for (const std::string& key : SortKeys()) EXPECT_EQ(Arranged({.sort = key}).rows.size(), 5u) << key;
}

TEST(ArrangeTest, OfRowsThoseThatHoldTheTextAndTheBaseline) {
  EXPECT_THAT(NamesOf(Arranged({.rows = "lora"})), ElementsAre("full", "lora rank=4", "lora rank=8"));
  EXPECT_THAT(NamesOf(Arranged({.rows = "=8"})), ElementsAre("full", "lora rank=8"));
}

TEST(ArrangeTest, ColumnsAreThoseAskedFor) {
  const std::string text = Render(Arranged({.metrics = {"rougeL", "rouge1"}}), Format::kText);
  EXPECT_THAT(text, HasSubstr("configuration     seeds      ROUGE-L       ROUGE-1  Δ ROUGE-1"));
  EXPECT_THAT(text, Not(HasSubstr("ROUGE-Lsum")));
  const std::string latex = Render(Arranged({.metrics = {"rouge1"}}), Format::kLatex);
  EXPECT_THAT(latex, HasSubstr("3 & 42.00 $\\pm$ 0.21 & +1.33$^{*}$ &"))
      << "the asterisk stays at the difference";
}

TEST(ArrangeTest, WhatIsUnknownIsNamed) {
  Table table = MakeTable();
  EXPECT_THAT(Message(Arrange({.sort = "rogue1"}, table)), HasSubstr("did you mean 'rouge1'?"));
  EXPECT_THAT(Message(Arrange({.metrics = {"rouge3"}}, table)),
              HasSubstr("metric 'rouge3': one of rouge1, rouge2, rougeL, rougeLsum"));
  EXPECT_TRUE(absl::IsNotFound(Arrange({.rows = "ranks"}, table)));
}

}  // namespace
}  // namespace lorikeet::report
