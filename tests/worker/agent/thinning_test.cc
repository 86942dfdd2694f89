#include "worker/agent/thinning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lorikeet::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

v1::Event Point(std::int64_t step, const std::string& name = "train_loss") {
  v1::Event event;
  event.mutable_metric()->set_step(step);
  event.mutable_metric()->set_name(name);
  return event;
}

// The steps that are kept of so many, with the spool that full.
std::vector<std::int64_t> Kept(Thinning& thinning, std::int64_t points, std::size_t bytes,
                               std::int64_t from = 0) {
  std::vector<std::int64_t> kept;
  for (std::int64_t step = from; step < from + points; ++step) {
    if (thinning.Keep(Point(step), bytes)) kept.push_back(step);
  }
  return kept;
}

TEST(Thinning, KeepsAllBelowItsLimit) {
  Thinning thinning(1000, 1);
  EXPECT_THAT(Kept(thinning, 100, 999), SizeIs(100));
  EXPECT_FALSE(thinning.active());
  EXPECT_THAT(thinning.End(), IsEmpty());
}

TEST(Thinning, HalvesThePointsAgainAndAgain) {
  Thinning half(1000, 1), quarter(1000, 1), eighth(1000, 1);
  EXPECT_THAT(Kept(half, 8, 1000), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(Kept(quarter, 8, 1500), ElementsAre(0, 4));
  EXPECT_THAT(Kept(eighth, 17, 1750), ElementsAre(0, 8, 16));
  EXPECT_TRUE(half.active());
}

// What a worker that is cut off for long spools: eight times as many points as the limit holds.
TEST(Thinning, StaysAboutTwiceItsLimit) {
  constexpr std::size_t kLimit = 100'000, kBytes = 40;
  Thinning thinning(kLimit, 1);
  std::size_t bytes = 0;
  std::int64_t last = 0;
  for (std::int64_t step = 0; step < 20'000; ++step) {
    if (!thinning.Keep(Point(step), bytes)) continue;
    bytes += kBytes;
    last = step;
  }
  EXPECT_GT(bytes, kLimit);
  EXPECT_LT(bytes, 2 * kLimit);
  EXPECT_GT(last, 19'800) << "the curve spans all of the time";
}

TEST(Thinning, KeepsACurveOfFewPoints) {
  Thinning thinning(1000, 64);
  int kept = 0;
  for (std::int64_t step = 0; step < 1000; ++step) {
    thinning.Keep(Point(step), 1900);
    if (step % 20 == 0 && thinning.Keep(Point(step, "validation_rouge1"), 1900)) ++kept;
  }
  EXPECT_EQ(kept, 50);
}

TEST(Thinning, EndsWithTheLastPointOfEachCurveAndACount) {
  Thinning thinning(1000, 1);
  Kept(thinning, 8, 1000);  // 1, 3, 5, 7 are left out
  for (std::int64_t step = 0; step < 3; ++step) thinning.Keep(Point(step, "learning_rate"), 1000);  // 1 is
  const std::vector<v1::Event> events = thinning.End();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].metric().name(), "train_loss");
  EXPECT_EQ(events[0].metric().step(), 7);
  EXPECT_EQ(events[1].log().level(), "warning");
  EXPECT_THAT(events[1].log().message(),
              HasSubstr("4 points of its learning curves (learning_rate, train_loss)"));
  EXPECT_FALSE(thinning.active());
  EXPECT_THAT(thinning.End(), IsEmpty()) << "told once";
  EXPECT_THAT(Kept(thinning, 5, 10), SizeIs(5)) << "and over";
}

TEST(Thinning, IsOverOnceTheSpoolHasDrained) {
  Thinning thinning(1000, 1);
  EXPECT_FALSE(thinning.Over(0)) << "it has not begun";
  Kept(thinning, 4, 1000);
  EXPECT_FALSE(thinning.Over(600));
  EXPECT_TRUE(thinning.Over(499));
}

}  // namespace
}  // namespace lorikeet::agent
