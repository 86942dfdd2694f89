// A worker that is cut off for long: its learning curves are thinned, and nothing else is.
#include <gmock/gmock.h>

#include "tests/worker/agent/session_fixture.h"

namespace lorikeet::agent {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SessionThinningTest : public SessionTest {
 protected:
  SessionThinningTest() {
    options_.most_spooled_bytes = 1000;
    options_.few_points = 4;
    Restart();
    Connect();
    Grant("a-1");
  }

  void Points(std::int64_t from, std::int64_t count) {
    for (std::int64_t step = from; step < from + count; ++step)
      session_->OnTrainerEvent("a-1", protocol::Metric{step, "train_loss", 1});
  }
  // All that is handed in, acknowledged as it comes.
  std::vector<v1::Event> HandIn() {
    std::vector<v1::Event> events;
    for (bool more = true; more;) {
      more = false;
      std::int64_t last = 0;
      for (const auto& message : link_.Take(v1::WorkerMessage::kEvents)) {
        for (const v1::Event& event : message.events().events()) {
          events.push_back(event);
          last = event.sequence();
          more = true;
        }
      }
      if (more) Ack("a-1", last);
    }
    return events;
  }
};

TEST_F(SessionThinningTest, CutOffItThinsCurvesAndKeepsAllElse) {
  session_->OnDisconnected("gone");
  Points(0, 2000);
  for (int i = 0; i < 20; ++i) {
    protocol::Prediction prediction;
    prediction.split = "test";
    prediction.id = "d" + std::to_string(i);
    prediction.summary = std::string(200, 'x');
    session_->OnTrainerEvent("a-1", prediction);
  }
  Points(2000, 1);
  Report("a-1", protocol::Result{});
  Connect({{"a-1", 0}});
  const std::vector<v1::Event> events = HandIn();
  int points = 0, predictions = 0;
  std::int64_t newest = -1;
  std::string told;
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].sequence(), static_cast<std::int64_t>(i) + 1) << "numbered without holes";
    points += events[i].has_metric() ? 1 : 0;
    predictions += events[i].has_prediction() ? 1 : 0;
    if (events[i].has_metric()) newest = events[i].metric().step();
    if (events[i].has_log()) told += events[i].log().message();
  }
  EXPECT_LT(points, 200);
  EXPECT_GT(points, 20);
  EXPECT_EQ(newest, 2000) << "a curve keeps its last point";
  EXPECT_EQ(predictions, 20);
  EXPECT_TRUE(events.back().has_result());
  EXPECT_THAT(told, HasSubstr(std::to_string(2001 - points) + " points of its learning curves (train_loss)"));
  EXPECT_EQ(told.find("points", told.find("points") + 1), std::string::npos) << "said once: " << told;
}

TEST_F(SessionThinningTest, BackItTellsOnceAndKeepsEveryPointAgain) {
  session_->OnDisconnected("gone");
  Points(0, 500);
  Connect({{"a-1", 0}});
  std::vector<v1::Event> events = HandIn();
  EXPECT_LT(events.size(), 200U);
  ASSERT_TRUE(events.back().has_log());
  EXPECT_THAT(events.back().log().message(), HasSubstr("were left out"));
  Points(500, 20);
  session_->Tick();
  EXPECT_THAT(HandIn(), SizeIs(20));
}

TEST_F(SessionThinningTest, AFullDiskThinsBeforeTheTrainerStandsStill) {
  options_.most_spooled_bytes = 1 << 20;
  options_.most_waiting_bytes = 4000;
  Restart();
  Connect();
  Grant("a-1");
  session_->OnDisconnected("gone");
  disk_.full = true;
  Points(0, 300);
  EXPECT_THAT(launcher_.held, IsEmpty());
  disk_.full = false;
  Advance(seconds(1));
  Connect({{"a-1", 0}});
  EXPECT_LT(HandIn().size(), 200U);
}

// The link takes nothing more, for all its events.
TEST_F(SessionThinningTest, RenewsWhereEventsFillTheStream) {
  link_.busy = true;
  Points(0, 10);
  link_.sent.clear();
  Advance(seconds(11));
  EXPECT_THAT(link_.Take(v1::WorkerMessage::kEvents), IsEmpty());
  EXPECT_THAT(link_.Take(v1::WorkerMessage::kRenew), SizeIs(1));
}

}  // namespace
}  // namespace lorikeet::agent
