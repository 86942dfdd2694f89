#include "coordinator/comparison/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lorikeet::comparison {
namespace {

Verdict Of(double difference, Corrected corrected) { return Judge(difference, corrected, false).verdict; }

TEST(VerdictTest, TheFirstThatHolds) {
  EXPECT_EQ(Of(1, {.p_value = 0.01, .p_not_worse = 0.001, .p_equivalent = 0.9}), Verdict::kBetter);
  EXPECT_EQ(Of(-1, {.p_value = 0.01, .p_not_worse = 0.9, .p_equivalent = 0.9}), Verdict::kWorse);
  EXPECT_EQ(Of(0.1, {.p_value = 0.4, .p_not_worse = 0.001, .p_equivalent = 0.04}), Verdict::kEquivalent);
  EXPECT_EQ(Of(0.4, {.p_value = 0.1, .p_not_worse = 0.001, .p_equivalent = 0.3}), Verdict::kNotWorse);
  EXPECT_EQ(Of(0.4, {.p_value = 0.1, .p_not_worse = 0.06, .p_equivalent = 0.3}), Verdict::kNotShown);
}

TEST(VerdictTest, ASureDifferenceWithinTheMarginIsStillADifference) {
  const Corrected sure = {.p_value = 0.001, .p_not_worse = 0.001, .p_equivalent = 0.001};
  EXPECT_EQ(Of(0.1, sure), Verdict::kBetter);
  EXPECT_EQ(Of(-0.1, sure), Verdict::kWorse);
}

TEST(VerdictTest, TheLevelItselfIsNotEnough) {
  EXPECT_EQ(Of(1, {.p_value = 0.05, .p_not_worse = 0.05, .p_equivalent = 0.05}), Verdict::kNotShown);
}

TEST(VerdictTest, ABaselineThatWasStillImprovingYieldsNoBetter) {
  const Judged judged = Judge(2, {.p_value = 0.001, .p_not_worse = 0.0001, .p_equivalent = 1}, true);
  EXPECT_EQ(judged.verdict, Verdict::kNotWorse);
  EXPECT_THAT(judged.reason, testing::HasSubstr("still improving"));
  EXPECT_EQ(Judge(2, {.p_value = 0.001, .p_not_worse = 0.2, .p_equivalent = 1}, true).verdict,
            Verdict::kNotShown);
  const Judged worse = Judge(-2, {.p_value = 0.001, .p_not_worse = 1, .p_equivalent = 1}, true);
  EXPECT_EQ(worse.verdict, Verdict::kWorse);
  EXPECT_EQ(worse.reason, "");
}

TEST(VerdictTest, IsWithheldUntilAllIsThere) {
  const Side whole = {.seeds = 3, .planned = 3};
  EXPECT_EQ(WhyWithheld(whole, whole, 400), "");
  EXPECT_EQ(WhyWithheld({.seeds = 4, .planned = 5}, whole, 400), "4 of 5 seeds are in");
  EXPECT_EQ(WhyWithheld(whole, {.seeds = 0, .planned = 3}, 400), "0 of 3 the baseline's seeds are in");
  EXPECT_EQ(WhyWithheld({.seeds = 4, .planned = 5, .diverged = 1}, whole, 400), "1 of 5 seeds diverged");
  EXPECT_EQ(WhyWithheld({.seeds = 2, .planned = 2}, whole, 400), "2 of its seeds, where a verdict wants 3");
  EXPECT_EQ(WhyWithheld(whole, {.seeds = 1, .planned = 1}, 400),
            "1 of the baseline's seeds, where a verdict wants 3");
  EXPECT_EQ(WhyWithheld({.seeds = 1, .planned = 1, .one_run = true}, whole, 400),
            "it runs once, without seeds");
  EXPECT_EQ(WhyWithheld(whole, {.seeds = 1, .planned = 1, .one_run = true}, 400),
            "the baseline runs once, without seeds");
  EXPECT_EQ(WhyWithheld(whole, whole, 1), "1 documents, where a test wants two");
}

}  // namespace
}  // namespace lorikeet::comparison
