#include "coordinator/core/retry.h"

#include <gtest/gtest.h>

namespace lorikeet::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Retry, DoublesTheBackoffUntilTheAttemptsAreUsedUp) {
  const RetryPolicy retry{.attempts = 4, .backoff = seconds(30)};
  EXPECT_EQ(BackoffAfter(retry, "crashed", 1), milliseconds(seconds(30)));
  EXPECT_EQ(BackoffAfter(retry, "oom", 2), milliseconds(seconds(60)));
  EXPECT_EQ(BackoffAfter(retry, "timed_out", 3), milliseconds(seconds(120)));
  EXPECT_EQ(BackoffAfter(retry, "crashed", 4), std::nullopt);
}

TEST(Retry, WhatIsBoundToFailAgainIsNotTriedAgain) {
  const RetryPolicy retry{.attempts = 10, .backoff = seconds(1)};
  EXPECT_EQ(BackoffAfter(retry, "bad_input", 1), std::nullopt);
  EXPECT_EQ(BackoffAfter(retry, "diverged", 1), std::nullopt);
  EXPECT_TRUE(BackoffAfter(retry, "some kind of a later version's", 1).has_value());
}

TEST(Retry, OneAttemptMeansNoRetry) {
  EXPECT_EQ(BackoffAfter({.attempts = 1, .backoff = seconds(1)}, "crashed", 1), std::nullopt);
}

TEST(Retry, BackoffHasALimit) {
  const RetryPolicy retry{.attempts = 1'000'000, .backoff = seconds(30)};
  EXPECT_EQ(BackoffAfter(retry, "crashed", 999'999), kLongestBackoff);
  EXPECT_EQ(BackoffAfter({.attempts = 9, .backoff = std::chrono::hours(5)}, "crashed", 1), kLongestBackoff);
}

TEST(Retry, NoBackoffStaysNone) {
  EXPECT_EQ(BackoffAfter({.attempts = 1'000'000, .backoff = milliseconds(0)}, "crashed", 999'999),
            milliseconds(0));
}

TEST(Retry, ReturnsAreSpacedOutUpToAMinute) {
  EXPECT_EQ(DelayAfterReturn(1), milliseconds(seconds(1)));
  EXPECT_EQ(DelayAfterReturn(3), milliseconds(seconds(4)));
  EXPECT_EQ(DelayAfterReturn(50), milliseconds(seconds(60)));
}

TEST(Retry, TheLastFailuresKindSaysWhetherAndWhen) {
  RetryPolicy retry{.attempts = 3, .backoff = seconds(30)};
  retry.kinds = {{"crashed", {.attempts = 5, .backoff = seconds(10)}}, {"oom", {.attempts = 1}}};
  EXPECT_EQ(BackoffAfter(retry, "crashed", 1), milliseconds(seconds(10)));
  EXPECT_EQ(BackoffAfter(retry, "crashed", 4), milliseconds(seconds(80)));
  EXPECT_EQ(BackoffAfter(retry, "crashed", 5), std::nullopt);
  EXPECT_EQ(BackoffAfter(retry, "oom", 1), std::nullopt);
  // Those of other kinds count too.
  EXPECT_EQ(BackoffAfter(retry, "timed_out", 2), milliseconds(seconds(60)));
  EXPECT_EQ(BackoffAfter(retry, "timed_out", 4), std::nullopt);
}

TEST(Retry, InterruptionsHaveALimitOfTheirOwn) {
  Trial trial;
  trial.failures = 1000;
  trial.interruptions = 19;
  EXPECT_FALSE(AtInterruptionLimit({}, trial));
  ++trial.interruptions;
  EXPECT_TRUE(AtInterruptionLimit({}, trial));
  EXPECT_FALSE(AtInterruptionLimit({.interruptions = 21}, trial));
}

}  // namespace
}  // namespace lorikeet::core
