#include "coordinator/comparison/difference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "coordinator/comparison/holm.h"
#include "coordinator/comparison/student_t.h"
#include "tests/paths.h"

namespace lorikeet::comparison {
namespace {

using Json = nlohmann::json;
using Scores = std::vector<std::vector<double>>;

// What NumPy and SciPy compute of the same scores (make_golden.py).
const Json& Golden() {
  static const Json golden =
      Json::parse(*ReadFile(std::string(kTestsDir) + "/coordinator/comparison/golden.json"));
  return golden;
}

// Absolute and relative: p-values far out in the tail count too.
void ExpectEqual(double value, const Json& expected, const char* what) {
  const double wanted = expected.at(what).get<double>();
  EXPECT_NEAR(value, wanted, 1e-9) << what;
  EXPECT_NEAR(value, wanted, 1e-9 * std::abs(wanted) + 1e-12) << what;
}

TEST(DifferenceTest, EqualsNumPyAndSciPy) {
  ASSERT_GE(Golden().at("comparisons").size(), 9u);
  for (const Json& item : Golden().at("comparisons")) {
    const auto a = item.at("a").get<Scores>(), b = item.at("b").get<Scores>();
    SCOPED_TRACE(testing::Message() << a.size() << " and " << b.size() << " seeds, " << a[0].size()
                                    << " documents");
    const Json& expected = item.at("expected");
    const Difference difference = Compare(Summarize(a), Summarize(b), item.at("margin").get<double>());
    ExpectEqual(difference.difference, expected, "difference");
    ASSERT_EQ(difference.inference.has_value(), expected.contains("p_value"));
    if (!difference.inference) continue;
    const Inference& inference = *difference.inference;
    ExpectEqual(inference.standard_error, expected, "standard_error");
    ExpectEqual(inference.degrees, expected, "degrees");
    ExpectEqual(inference.low, expected, "low");
    ExpectEqual(inference.high, expected, "high");
    ExpectEqual(inference.p_value, expected, "p_value");
    ExpectEqual(inference.p_not_worse, expected, "p_not_worse");
    ExpectEqual(inference.p_equivalent, expected, "p_equivalent");
    ExpectEqual(inference.detectable, expected, "detectable");
  }
}

TEST(DifferenceTest, TheDetectableShiftIsThatOfTheNoncentralT) {
  for (const Json& item : Golden().at("detectable")) {
    ExpectEqual(DetectableShift(kLevel, kPower, item.at("degrees").get<double>()), item, "shift");
  }
}

TEST(DifferenceTest, TheDetectableShiftExistsForEveryNumberOfDegrees) {
  // Satterthwaite's lie between the least S - 1 and the sum of all.
  for (double degrees = 1; degrees < 1e7; degrees *= 1.37) {
    const double shift = DetectableShift(kLevel, kPower, degrees);
    EXPECT_GT(shift, UpperQuantile(kLevel / 2, degrees)) << degrees;
    EXPECT_LT(shift, 20) << degrees;
  }
}

TEST(DifferenceTest, TheOtherWayRoundEverythingButTheSignStays) {
  const Json& item = Golden().at("comparisons").at(0);
  const Summary a = Summarize(item.at("a").get<Scores>()), b = Summarize(item.at("b").get<Scores>());
  const Difference one = Compare(a, b, 0.5), other = Compare(b, a, 0.5);
  EXPECT_EQ(one.difference, -other.difference);
  EXPECT_DOUBLE_EQ(one.inference->low, -other.inference->high);
  EXPECT_DOUBLE_EQ(one.inference->p_value, other.inference->p_value);
  EXPECT_DOUBLE_EQ(one.inference->p_equivalent, other.inference->p_equivalent);
}

TEST(DifferenceTest, WithoutSpreadADifferenceIsBeyondDoubtAndNoneIsNone) {
  const Scores forty = {{40, 40}, {40, 40}, {40, 40}}, forty_one = {{41, 41}, {41, 41}, {41, 41}};
  const Difference some = Compare(Summarize(forty_one), Summarize(forty), 2);
  EXPECT_EQ(some.inference->p_value, 0);
  EXPECT_EQ(some.inference->p_equivalent, 0);
  EXPECT_EQ(some.inference->low, 1);
  EXPECT_EQ(some.inference->high, 1);
  const Difference none = Compare(Summarize(forty), Summarize(forty), 0.5);
  EXPECT_EQ(none.inference->p_value, 1);
  EXPECT_EQ(none.inference->p_equivalent, 0);
  EXPECT_EQ(none.inference->detectable, 0);
}

TEST(DifferenceTest, WhatRoundingLeavesIsNoDifference) {
  // The same scores, summed in another order.
  const Scores one = {{0.1, 0.2, 0.3}, {0.1, 0.2, 0.3}, {0.1, 0.2, 0.3}};
  const Scores other = {{0.3, 0.2, 0.1}, {0.3, 0.2, 0.1}, {0.3, 0.2, 0.1}};
  ASSERT_NE(0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1);
  Summary reordered = Summarize(other);
  std::swap(reordered.by_document[0], reordered.by_document[2]);
  const Difference difference = Compare(Summarize(one), reordered, 0.5);
  EXPECT_EQ(difference.difference, 0);
  EXPECT_EQ(difference.inference->p_value, 1);
}

TEST(DifferenceTest, OneSeedOrOneDocumentHasNoInterval) {
  const Summary pair = Summarize({{40, 42}, {41, 44}}), one_seed = Summarize({{40, 42}});
  EXPECT_FALSE(Compare(one_seed, pair, 0.5).inference);
  EXPECT_FALSE(Compare(pair, one_seed, 0.5).inference);
  EXPECT_DOUBLE_EQ(Compare(pair, one_seed, 0.5).difference, 0.75);
  const Summary one_document = Summarize({{40}, {41}});
  EXPECT_FALSE(Compare(one_document, one_document, 0.5).inference);
}

TEST(HolmTest, EqualsTheDefinition) {
  const Json& golden = Golden().at("holm");
  const auto p_values = golden.at("p_values").get<std::vector<double>>();
  const auto expected = golden.at("corrected").get<std::vector<double>>();
  const std::vector<double> corrected = Holm(p_values, static_cast<std::int64_t>(p_values.size()));
  ASSERT_EQ(corrected.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(corrected[i], expected[i], 1e-12) << i;
}

TEST(HolmTest, WhatIsNotKnownYetCountsAsTheLargest) {
  const std::vector<double> known = Holm({0.01, 0.04}, 5);
  EXPECT_DOUBLE_EQ(known[0], 0.05);
  EXPECT_DOUBLE_EQ(known[1], 0.16);
  // Whatever comes, what was said of the known ones only gets stronger.
  for (const double late : {0.0, 0.005, 0.03, 0.9}) {
    const std::vector<double> all = Holm({0.01, 0.04, late, late, late}, 5);
    EXPECT_LE(all[0], known[0]) << late;
    EXPECT_LE(all[1], known[1]) << late;
  }
}

TEST(HolmTest, NeverAboveOneAndASmallerFamilyIsNoExcuse) {
  EXPECT_EQ(Holm({0.5, 0.9}, 2), (std::vector<double>{1, 1}));
  EXPECT_EQ(Holm({0.02, 0.01}, 0), Holm({0.02, 0.01}, 2));
  EXPECT_TRUE(Holm({}, 3).empty());
}

}  // namespace
}  // namespace lorikeet::comparison
