// A GPU's slot is free again when its memory is, and not offered where that does not come.
#include <gmock/gmock.h>

#include "tests/worker/agent/session_fixture.h"

namespace lorikeet::agent {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using M = v1::WorkerMessage;

constexpr std::int64_t kGiB = 1LL << 30;

class SessionDevicesTest : public SessionTest {
 protected:
  SessionDevicesTest() {
    options_.gpu_memory = &gpu_memory_;
    options_.slots = {{0, "cuda", "cuda:0", "A GPU", 80 * kGiB, 4},
                      {1, "cuda", "cuda:1", "A GPU", 80 * kGiB, 4}};
    Restart();
  }
  void See(std::int64_t first, std::int64_t second) {
    session_->OnGpuMemory(std::vector<std::int64_t>{first * kGiB, second * kGiB});
    session_->Tick();
  }
  // Trains on both and ends; the first has so much in use afterwards.
  void TrainAndEnd() {
    See(1, 1);
    Connect();
    Grant("a-1", 1, {0}, "t-1");
    Grant("a-2", 1, {1}, "t-2");
    ASSERT_THAT(launcher_.started, SizeIs(2));
    link_.sent.clear();
    Report("a-1", protocol::Result{});
    Ack("a-1", 1);
    gpu_memory_.asked = 0;
    Close("a-1");
  }
  std::vector<v1::Slot> Told() {
    const auto told = link_.Take(M::kSlotsChanged);
    if (told.empty()) return {};
    return {told.back().slots_changed().slots().begin(), told.back().slots_changed().slots().end()};
  }
};

TEST_F(SessionDevicesTest, SlotsAreOfferedOnceTheirDevicesHaveBeenLookedAt) {
  session_->Tick();
  EXPECT_EQ(gpu_memory_.asked, 1);
  Connect();
  EXPECT_THAT(link_.Take(M::kHello).at(0).hello().slots(1).quarantine(), HasSubstr("looked at first"));
  Grant("a-1");
  EXPECT_THAT(launcher_.started, IsEmpty()) << "of a coordinator that did not listen";
  Sent();
  EXPECT_THAT(last_event_.returned().reason(), HasSubstr("slot 0 (cuda:0) is not offered"));
  See(1, 1);
  const auto told = Told();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[1].quarantine(), "");
  EXPECT_EQ(told[1].device(), "cuda:1");
  Grant("a-2", 1, {1}, "t-2");
  EXPECT_THAT(launcher_.started, SizeIs(1));
}

TEST_F(SessionDevicesTest, ASlotIsFreeWhenItsMemoryIs) {
  TrainAndEnd();
  EXPECT_EQ(gpu_memory_.asked, 1);
  Advance(seconds(5));
  EXPECT_THAT(link_.Take(M::kClosed), IsEmpty());
  EXPECT_TRUE(HasAttempt("a-1"));
  See(60, 60);
  EXPECT_THAT(link_.Take(M::kClosed), IsEmpty());
  See(1, 60);
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1));
  EXPECT_THAT(Told(), IsEmpty()) << "nobody need hear of a moment's wait";
  EXPECT_FALSE(HasAttempt("a-1"));
}

TEST_F(SessionDevicesTest, OneWhoseMemoryStaysInUseIsSaidToBeBeforeItIsSaidToBeFree) {
  TrainAndEnd();
  Advance(seconds(31));
  See(60, 60);
  std::vector<M::MessageCase> order;
  for (const auto& message : link_.sent) {
    if (message.has_slots_changed() || message.has_closed()) order.push_back(message.message_case());
  }
  EXPECT_THAT(order, testing::ElementsAre(M::kSlotsChanged, M::kClosed));
  const auto told = Told();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].quarantine(), "60.0 GiB of its memory are in use, where 1.0 GiB are when it is idle");
  EXPECT_EQ(told[1].quarantine(), "");
  // The next Hello says it, too.
  session_->OnDisconnected("gone");
  Connect({{"a-2", 0}});
  EXPECT_THAT(link_.Take(M::kHello).at(0).hello().slots(0).quarantine(), HasSubstr("60.0 GiB"));
  EXPECT_THAT(Told(), IsEmpty());
  gpu_memory_.asked = 0;
  Advance(seconds(61));
  EXPECT_EQ(gpu_memory_.asked, 1);
  See(1, 60);
  EXPECT_EQ(Told().at(0).quarantine(), "");
}

TEST_F(SessionDevicesTest, ADroppedAttemptKeepsItsSlotUntilTheMemoryIsFree) {
  See(1, 1);
  Connect();
  Grant("a-1");
  Receive([](auto& message) {
    message.mutable_revoke()->set_attempt_id("a-1");
    message.mutable_revoke()->set_token(1);
  });
  Close("a-1");
  EXPECT_THAT(link_.Take(M::kClosed), IsEmpty());
  See(1, 1);
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1));
}

TEST_F(SessionDevicesTest, AfterARestartTheMemoryOfWhatWasKilledIsWaitedFor) {
  TrainAndEnd();
  Restart();  // a-2 ran on cuda:1
  See(1, 60);
  Connect({{"a-2", 0}});
  const v1::Hello hello = link_.Take(M::kHello).at(0).hello();
  EXPECT_EQ(hello.slots(0).quarantine(), "");
  EXPECT_NE(hello.slots(1).quarantine(), "");
  Advance(seconds(31));
  See(1, 60);
  EXPECT_THAT(Told().at(1).quarantine(), HasSubstr("60.0 GiB of its memory are in use, where 1.0 GiB"));
  See(1, 1);
  EXPECT_EQ(Told().at(1).quarantine(), "");
}

TEST_F(SessionDevicesTest, AfterAnotherBootOrWithoutItsFileItIsLookedAtAnew) {
  See(1, 1);
  options_.boot = "another";
  Restart();
  See(2, 60);
  Connect();
  EXPECT_EQ(link_.Take(M::kHello).at(0).hello().slots(1).quarantine(), "");
  ASSERT_TRUE(std::filesystem::remove(temp_.path() + "/gpus"));
  Restart();
  disk_.full = true;  // it goes without
  See(3, 3);
  disk_.full = false;
  EXPECT_FALSE(std::filesystem::exists(temp_.path() + "/gpus"));
  Connect();
  EXPECT_EQ(link_.Take(M::kHello).at(0).hello().slots(0).quarantine(), "");
}

TEST_F(SessionDevicesTest, CpuSlotsWaitForNoMemory) {
  options_.slots[0] = {0, "cpu", "cpu", "A CPU", 100, 2};
  Restart();
  Connect();
  Grant("a-1");
  ASSERT_THAT(launcher_.started, SizeIs(1));
  Report("a-1", protocol::Result{});
  Close("a-1");
  EXPECT_THAT(link_.Take(M::kClosed), SizeIs(1));
}

}  // namespace
}  // namespace lorikeet::agent
