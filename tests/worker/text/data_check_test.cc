#include "worker/text/data_check.h"

#include <gtest/gtest.h>

#include <numeric>

namespace lorikeet::text {
namespace {

using Documents = std::vector<Document>;

TEST(DataCheckTest, PercentilesAreLengthsThatOccur) {
  std::vector<std::int64_t> lengths(100);
  std::iota(lengths.rbegin(), lengths.rend(), 1);  // 100 … 1
  const Lengths summary = SummarizeLengths(lengths, 90);
  EXPECT_EQ(summary.p50, 50);
  EXPECT_EQ(summary.p95, 95);
  EXPECT_EQ(summary.max, 100);
  EXPECT_EQ(summary.cut, 10);  // 90 tokens fit
  EXPECT_DOUBLE_EQ(summary.mean_kept, (90 * 91 / 2 + 10 * 90) / 100.0);
}

TEST(DataCheckTest, OneTextIsEveryPercentile) {
  const Lengths summary = SummarizeLengths({7}, 7);
  EXPECT_EQ(summary.p50, 7);
  EXPECT_EQ(summary.p95, 7);
  EXPECT_EQ(summary.max, 7);
  EXPECT_EQ(summary.cut, 0);
  EXPECT_EQ(SummarizeLengths({}, 7).max, 0);
}

TEST(DataCheckTest, ATextThatComesTwiceIsFoundWhateverItsIdAndSpaces) {
  const Documents train = {{"a", "one two", "x"}, {"b", "three", "x"}, {"c", " one\n\ttwo ", "y"}};
  const Documents validation = {{"d", "onetwo", "x"}};
  const Documents test = {{"e", "one two", "x"}, {"b", "four", "x"}, {"f", "three", "x"}};
  const Duplicates found = FindDuplicates({{"train", &train}, {"validation", &validation}, {"test", &test}});
  EXPECT_EQ(found.within, (std::vector<std::int64_t>{1, 0, 0}));
  ASSERT_EQ(found.across.size(), 1U);
  EXPECT_EQ(found.across[0].first, "train");
  EXPECT_EQ(found.across[0].second, "test");
  EXPECT_EQ(found.across[0].ids, 1);
  EXPECT_EQ(found.across[0].texts, 2);
  EXPECT_EQ(found.across[0].examples,
            (std::vector<std::pair<std::string, std::string>>{{"a", "e"}, {"b", "b"}, {"b", "f"}}));
}

TEST(DataCheckTest, OnlyAFewExamplesAreNamed) {
  Documents train, test;
  for (int i = 0; i < 10; ++i) {
    train.push_back({"t" + std::to_string(i), "text " + std::to_string(i), "x"});
    test.push_back({"u" + std::to_string(i), "text " + std::to_string(i), "x"});
  }
  const Duplicates found = FindDuplicates({{"train", &train}, {"test", &test}});
  ASSERT_EQ(found.across.size(), 1U);
  EXPECT_EQ(found.across[0].texts, 10);
  EXPECT_EQ(found.across[0].ids, 0);
  EXPECT_EQ(found.across[0].examples.size(), 3U);
}

TEST(DataCheckTest, NumbersOfLinesAreNoIds) {
  const Documents train = {{"1", "one", "x"}, {"2", "two", "x"}, {"4", "four", "x"}};
  const Documents test = {{"1", "five", "x"}, {"2", "six", "x"}};
  EXPECT_TRUE(FindDuplicates({{"train", &train}, {"test", &test}}).across.empty());
  // Ids of a register are numbers too, far beyond any line.
  const Documents some = {{"31415926", "one", "x"}}, others = {{"31415926", "five", "x"}};
  const Duplicates found = FindDuplicates({{"train", &some}, {"test", &others}});
  ASSERT_EQ(found.across.size(), 1U);
  EXPECT_EQ(found.across[0].ids, 1);
  // Of two files one of which has ids of its own, they are not the same kind of thing.
  const Documents named = {{"1", "five", "x"}, {"b", "six", "x"}};
  EXPECT_TRUE(FindDuplicates({{"train", &train}, {"test", &named}}).across.empty());
}

TEST(DataCheckTest, NoDocuments) {
  const Documents none;
  const Duplicates found = FindDuplicates({{"train", &none}, {"test", &none}});
  EXPECT_EQ(found.within, (std::vector<std::int64_t>{0, 0}));
  EXPECT_TRUE(found.across.empty());
}

}  // namespace
}  // namespace lorikeet::text
