#include "worker/agent/gpu_releases.h"

#include <gmock/gmock.h>

namespace lorikeet::agent {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using Standing = GpuReleases::Standing;

constexpr std::int64_t kMiB = 1 << 20;

class GpuReleasesTest : public testing::Test {
 protected:
  GpuReleasesTest() {
    gpus_.Add("cuda:0", std::nullopt, now_);
    gpus_.Add("cuda:1", std::nullopt, now_);
  }
  void See(std::int64_t first, std::int64_t second) {
    gpus_.See(std::vector<std::int64_t>{first * kMiB, second * kMiB}, now_);
  }
  Standing First() const { return gpus_.Of("cuda:0"); }

  SteadyTime now_{std::chrono::hours(1)};
  GpuReleases gpus_{GpuReleases::Limits()};
};

TEST_F(GpuReleasesTest, ADeviceIsOfferedOnceItHasBeenLookedAt) {
  EXPECT_EQ(First(), Standing::kClearing);
  EXPECT_THAT(gpus_.WhyNot("cuda:0"), HasSubstr("looked at first"));
  EXPECT_TRUE(gpus_.ShouldAsk(now_));
  EXPECT_FALSE(gpus_.ShouldAsk(now_)) << "an answer takes a moment";
  See(500, 20'000);
  EXPECT_EQ(First(), Standing::kFree);
  EXPECT_EQ(gpus_.Of("cuda:1"), Standing::kFree) << "whose ever it is: it was there before us";
  EXPECT_EQ(gpus_.WhyNot("cuda:0"), "");
  EXPECT_FALSE(gpus_.ShouldAsk(now_ + seconds(1000)));
  EXPECT_EQ(gpus_.Of("cpu"), Standing::kFree);
}

TEST_F(GpuReleasesTest, ItIsFreeAgainWhenNoMoreIsInUseThanBefore) {
  See(500, 500);
  gpus_.Release("cuda:0", now_);
  EXPECT_EQ(First(), Standing::kClearing);
  EXPECT_EQ(gpus_.Of("cuda:1"), Standing::kFree);
  EXPECT_TRUE(gpus_.ShouldAsk(now_)) << "at once";
  EXPECT_FALSE(gpus_.ShouldAsk(now_ + std::chrono::milliseconds(900)));
  See(30'000, 40'000);  // somebody trains on the other
  EXPECT_EQ(First(), Standing::kClearing);
  now_ += seconds(29);
  See(757, 40'000);
  EXPECT_EQ(First(), Standing::kClearing) << "more than the tolerance";
  See(756, 40'000);
  EXPECT_EQ(First(), Standing::kFree);
}

TEST_F(GpuReleasesTest, WhereItIsNotFreedInTimeItIsQuarantinedUntilItIs) {
  See(500, 500);
  gpus_.Release("cuda:0", now_);
  now_ += seconds(30);
  See(3'572, 500);
  EXPECT_EQ(First(), Standing::kQuarantined);
  EXPECT_EQ(gpus_.WhyNot("cuda:0"), "3.5 GiB of its memory are in use, where 0.5 GiB are when it is idle");
  EXPECT_TRUE(gpus_.ShouldAsk(now_));
  EXPECT_FALSE(gpus_.ShouldAsk(now_ + seconds(59)));
  EXPECT_TRUE(gpus_.ShouldAsk(now_ + seconds(60)));
  See(2'000, 500);
  EXPECT_EQ(First(), Standing::kQuarantined);
  EXPECT_THAT(gpus_.WhyNot("cuda:0"), HasSubstr("2.0 GiB"));
  See(500, 500);
  EXPECT_EQ(First(), Standing::kFree);
}

TEST_F(GpuReleasesTest, WhereNobodyCanTellItIsQuarantinedToo) {
  const Status hung = Unavailable("the driver has not answered within 10 s");
  gpus_.See(hung, now_ + seconds(29));
  EXPECT_EQ(First(), Standing::kClearing);
  gpus_.See(hung, now_ + seconds(30));
  EXPECT_EQ(First(), Standing::kQuarantined);
  EXPECT_THAT(gpus_.WhyNot("cuda:0"), HasSubstr("the driver has not answered"));
  gpus_.See(std::vector<std::int64_t>{0}, now_ + seconds(90));
  EXPECT_EQ(First(), Standing::kFree);
  EXPECT_EQ(gpus_.Of("cuda:1"), Standing::kQuarantined);
  EXPECT_THAT(gpus_.WhyNot("cuda:1"), HasSubstr("does not show it"));
}

TEST_F(GpuReleasesTest, WhatAnEarlierRunKnewOfItIsIdle) {
  gpus_.Add("cuda:0", 500 * kMiB, now_);
  EXPECT_THAT(gpus_.WhyNot("cuda:0"), HasSubstr("may not be free yet"));
  See(30'000, 500);
  EXPECT_EQ(First(), Standing::kClearing) << "what it left";
  EXPECT_EQ(gpus_.Of("cuda:1"), Standing::kFree);
  See(510, 500);
  EXPECT_EQ(First(), Standing::kFree);
  EXPECT_EQ(gpus_.Idle().at("cuda:0"), 500 * kMiB);
  EXPECT_EQ(gpus_.Idle().at("cuda:1"), 500 * kMiB);
}

TEST_F(GpuReleasesTest, IdleIsTheLeastThatWasSeen) {
  See(5'000, 500);  // somebody else's, gone since
  gpus_.Release("cuda:0", now_);
  See(500, 500);
  EXPECT_EQ(First(), Standing::kFree);
  gpus_.Release("cuda:0", now_);
  See(5'000, 500);
  EXPECT_EQ(First(), Standing::kClearing);
}

}  // namespace
}  // namespace lorikeet::agent
