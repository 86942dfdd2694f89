#include "worker/text/rouge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/paths.h"
#include "worker/text/rouge_lcs.h"
#include "worker/text/rouge_stemmer.h"

namespace lorikeet::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Made by make_rouge_goldens.py with rouge_score.
const nlohmann::json& Goldens() {
  static const auto* const kGoldens = new nlohmann::json(
      nlohmann::json::parse(std::ifstream(std::string(kTestsDir) + "/worker/text/rouge_goldens.json")));
  return *kGoldens;
}

void ExpectScore(const nlohmann::json& golden, const RougeScore& score, const std::string& what) {
  EXPECT_NEAR(score.precision, golden.at(0).get<double>(), 1e-12) << what;
  EXPECT_NEAR(score.recall, golden.at(1).get<double>(), 1e-12) << what;
  EXPECT_NEAR(score.f1, golden.at(2).get<double>(), 1e-12) << what;
}

void ExpectScores(const std::string& golden_name, bool stemmer) {
  ASSERT_GT(Goldens().at("pairs").size(), 150u);
  for (const auto& pair : Goldens().at("pairs")) {
    const std::string reference = pair.at("reference"), prediction = pair.at("prediction");
    const RougeScores scores = Rouge(reference, prediction, stemmer);
    const auto& golden = pair.at(golden_name);
    const std::string texts = "\nreference: " + reference + "\nprediction: " + prediction;
    ExpectScore(golden.at("rouge1"), scores.rouge1, "rouge1" + texts);
    ExpectScore(golden.at("rouge2"), scores.rouge2, "rouge2" + texts);
    ExpectScore(golden.at("rougeL"), scores.rougeL, "rougeL" + texts);
    ExpectScore(golden.at("rougeLsum"), scores.rougeLsum, "rougeLsum" + texts);
  }
}

TEST(Rouge, EqualsRougeScoreWithTheStemmer) { ExpectScores("stemmed", true); }
TEST(Rouge, EqualsRougeScoreWithoutTheStemmer) { ExpectScores("plain", false); }

TEST(Rouge, IsExactlyOneForEqualTexts) {
  const RougeScores scores = Rouge("pain was treated .", "pain was treated .");
  EXPECT_EQ(scores.rouge1.f1, 1.0);
  EXPECT_EQ(scores.rouge2.f1, 1.0);
  EXPECT_EQ(scores.rougeL.f1, 1.0);
  EXPECT_EQ(scores.rougeLsum.f1, 1.0);
}

TEST(Rouge, StemsAsNltk) {
  ASSERT_GT(Goldens().at("stems").size(), 5000u);
  for (const auto& pair : Goldens().at("stems")) {
    EXPECT_EQ(PorterStem(pair.at(0)), pair.at(1).get<std::string>()) << pair.at(0);
  }
}

TEST(Rouge, TokensAreLowerCaseLettersAndDigits) {
  EXPECT_THAT(RougeTokens("IL-6 (p<0.05), naïve!", false),
              ElementsAre("il", "6", "p", "0", "05", "na", "ve"));
  EXPECT_THAT(RougeTokens("\u212A\u0130x", false), ElementsAre("ki", "x"));
  EXPECT_THAT(RougeTokens("cats running sky was", true), ElementsAre("cat", "run", "sky", "was"));
  EXPECT_THAT(RougeTokens("\xE2\x84 \xC4 \xFF", true), IsEmpty());  // broken UTF-8 separates, too
}

// The table as the papers have it, walked back as rouge_score does.
std::vector<std::uint8_t> SlowMembers(const std::vector<TokenNumber>& a, const std::vector<TokenNumber>& b,
                                      std::size_t* length) {
  std::vector<std::vector<int>> t(a.size() + 1, std::vector<int>(b.size() + 1, 0));
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      t[i][j] = a[i - 1] == b[j - 1] ? t[i - 1][j - 1] + 1 : std::max(t[i - 1][j], t[i][j - 1]);
    }
  }
  *length = static_cast<std::size_t>(t[a.size()][b.size()]);
  std::vector<std::uint8_t> members(a.size(), 0);
  for (std::size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      members[--i] = 1;
      --j;
    } else if (t[i][j - 1] > t[i - 1][j]) {
      --j;
    } else {
      --i;
    }
  }
  return members;
}

TEST(RougeLcs, EqualsTheTableOnEveryLengthAroundAWordsEdge) {
  std::uint32_t state = 7;
  const auto random = [&state](std::uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  };
  for (int round = 0; round < 400; ++round) {
    const std::uint32_t vocabulary = 1 + random(round % 2 == 0 ? 4 : 60);
    // One word of bits, up to eight, and more.
    std::vector<TokenNumber> a(random(150));
    std::vector<TokenNumber> b(round % 5 == 0   ? 62 + random(5)
                               : round % 5 == 1 ? 510 + random(5)
                                                : random(200));
    for (TokenNumber& token : a) token = random(vocabulary);
    for (TokenNumber& token : b) token = random(vocabulary);
    std::size_t length = 0;
    const std::vector<std::uint8_t> expected = SlowMembers(a, b, &length);
    LcsCandidate candidate;
    candidate.Reset(a, vocabulary);  // what an earlier candidate left must not show
    candidate.Reset(b, vocabulary);
    EXPECT_EQ(candidate.Length(a), length);
    std::vector<std::uint8_t> members(a.size(), 0);
    candidate.MarkMembers(a, members);
    EXPECT_EQ(members, expected) << a.size() << " by " << b.size();
  }
}

TEST(RougeLcs, ManyThousandsOfWordsTakeMoments) {
  std::string reference, prediction;
  for (int i = 0; i < 20000; ++i) {
    reference += fmt::format("w{} ", i * 7919LL % 997);
    prediction += fmt::format("w{} ", i * 104729LL % 991);
  }
  const RougeScores scores =
      Rouge(reference, prediction);  // 400 million cells of table in each of L and Lsum
  EXPECT_GT(scores.rougeL.f1, 0.01);
  EXPECT_GE(scores.rouge1.f1, scores.rougeL.f1);
}

}  // namespace
}  // namespace lorikeet::text
