#include "common/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace lorikeet {
namespace {

const std::vector<std::string> kKeys = {"rank", "alpha", "targets", "batch_size", "learning_rate", "beams"};

TEST(NearestTest, FindsSlips) {
  EXPECT_EQ(Nearest("ranks", kKeys), "rank");
  EXPECT_EQ(Nearest("rnak", kKeys), "rank");
  EXPECT_EQ(Nearest("batchsize", kKeys), "batch_size");
  EXPECT_EQ(Nearest("Batch-Size", kKeys), "batch_size");
  EXPECT_EQ(Nearest("learing_rate", kKeys), "learning_rate");
  EXPECT_EQ(Nearest("beam", kKeys), "beams");
}

TEST(NearestTest, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(Nearest("", kKeys), std::nullopt);
  EXPECT_EQ(Nearest("temperature", kKeys), std::nullopt);
  EXPECT_EQ(Nearest("x", kKeys), std::nullopt);
  EXPECT_EQ(Nearest("rank", {}), std::nullopt);
  EXPECT_EQ(Nearest("q", std::vector<std::string>{"k", "v"}), std::nullopt);
  EXPECT_EQ(Nearest(std::string(100'000, 'a'), kKeys), std::nullopt);
}

TEST(NearestTest, TakesTheFirstOfEquals) {
  EXPECT_EQ(Nearest("wi_2", std::vector<std::string>{"wi_0", "wi_1"}), "wi_0");
}

TEST(NearestTest, WordsTheSuggestion) {
  EXPECT_EQ(DidYouMean("rnk", kKeys), "; did you mean 'rank'?");
  EXPECT_EQ(DidYouMean("temperature", kKeys), "");
}

}  // namespace
}  // namespace lorikeet
