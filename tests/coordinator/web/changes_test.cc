#include "coordinator/web/api/changes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace lorikeet::web {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{20'000}, kShort{1'500};

class ChangesTest : public ::testing::Test {
 protected:
  StatusOr<Marks> Look() {
    absl::MutexLock lock(&mutex_);
    ++looks_;
    return marks_;
  }
  void Set(const std::string& sweep, Mark mark) {
    absl::MutexLock lock(&mutex_);
    marks_->sweeps[sweep] = mark;
  }

  absl::Mutex mutex_;
  StatusOr<Marks> marks_ ABSL_GUARDED_BY(mutex_) = Marks{.sweeps = {{"s-1", {1, 1}}, {"s-2", {1, 1}}},
                                                         .workers = 1};
  std::atomic<int> looks_{0};
  Changes changes_{[this] { return Look(); }};
};

TEST_F(ChangesTest, NothingIsLookedAtWhileNobodyListens) {
  std::this_thread::sleep_for(kShort);
  EXPECT_EQ(looks_.load(), 0);
}

TEST_F(ChangesTest, TellsEverythingAndThenWhatIsNew) {
  ASSERT_TRUE(changes_.Enter());
  auto news = changes_.Next(0, kLong);
  ASSERT_TRUE(news.has_value());
  EXPECT_EQ(news->sweeps.size(), 2U);
  EXPECT_TRUE(news->workers);
  EXPECT_FALSE(changes_.Next(news->version, kShort).has_value()) << "nothing has changed";
  Set("s-2", {1, 2});
  auto next = changes_.Next(news->version, kLong);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->sweeps, (std::map<std::string, bool>{{"s-2", false}})) << "progress alone";
  EXPECT_FALSE(next->workers);
  Set("s-1", {2, 1});
  next = changes_.Next(next->version, kLong);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->sweeps, (std::map<std::string, bool>{{"s-1", true}}));
  // Who was slow hears of both.
  EXPECT_EQ(changes_.Next(news->version, kLong)->sweeps,
            (std::map<std::string, bool>{{"s-1", true}, {"s-2", false}}));
  changes_.Leave();
}

TEST_F(ChangesTest, SaysWhenTheServiceDoesNotAnswer) {
  ASSERT_TRUE(changes_.Enter());
  auto news = changes_.Next(0, kLong);
  ASSERT_TRUE(news.has_value());
  EXPECT_FALSE(news->unwell);
  {
    absl::MutexLock lock(&mutex_);
    marks_ = Unavailable("busy");
  }
  news = changes_.Next(news->version, kLong);
  ASSERT_TRUE(news.has_value());
  EXPECT_TRUE(news->unwell);
  changes_.Leave();
}

TEST_F(ChangesTest, LetsSoManyInAndNoMore) {
  for (int i = 0; i < Changes::kMostListeners; ++i) EXPECT_TRUE(changes_.Enter());
  EXPECT_FALSE(changes_.Enter());
  changes_.Leave();
  EXPECT_TRUE(changes_.Enter());
}

TEST_F(ChangesTest, ItsEndWakesWhoWaits) {
  ASSERT_TRUE(changes_.Enter());
  const auto news = changes_.Next(0, kLong);
  ASSERT_TRUE(news.has_value());
  std::thread waits([&] { EXPECT_FALSE(changes_.Next(news->version, kLong).has_value()); });
  const auto begun = std::chrono::steady_clock::now();
  changes_.Close();
  waits.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kLong / 2);
  EXPECT_TRUE(changes_.closed());
  EXPECT_FALSE(changes_.Enter());
}

}  // namespace
}  // namespace lorikeet::web
