// Priorities, max_running and labels: who is served, what is remembered, what is said of who waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class PriorityTest : public ServiceTest {
 protected:
  static spec::Sweep WithPriority(const std::string& name, std::int64_t priority) {
    spec::Sweep sweep = MakeSweep(name, 1, 2);
    sweep.priority = priority;
    return sweep;
  }
};

TEST_F(PriorityTest, TheHigherIsServedFirstAndCanBeChanged) {
  const std::string low = Submit(WithPriority("low", -3)).sweep_id;
  const std::string high = Submit(WithPriority("high", 7)).sweep_id;
  FakeWorker worker = Connect("w", 1);
  EXPECT_EQ(worker.Grants().back().sweep_id, high);
  EXPECT_EQ(WaitingOf("low/full seed=1"),
            "the only slot is busy; sweep 'high' of higher priority (7) is served first");
  Succeed(worker, worker.Grants().back());
  EXPECT_EQ(worker.Grants().back().sweep_id, high);

  const auto raised = service_->SetPriority("low", 8);
  ASSERT_TRUE(raised.ok()) << raised.status();
  EXPECT_TRUE(raised->changed);
  EXPECT_FALSE(service_->SetPriority("low", 8)->changed);
  EXPECT_TRUE(absl::IsInvalidArgument(service_->SetPriority("low", 101).status()));
  EXPECT_TRUE(absl::IsNotFound(service_->SetPriority("lou", 1).status()));
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'priority'"), "8, -3 before");
  Restart();
  EXPECT_EQ(View("low").sweep.priority, 8) << "remembered";
  worker = Connect("w", 1);
  EXPECT_EQ(worker.Grants().at(0).sweep_id, low);
}

TEST_F(PriorityTest, NoMoreOfASweepRunAtOnceThanItSays) {
  spec::Sweep sweep = MakeSweep("demo", 1, 3);
  sweep.max_running = 2;
  Submit(sweep);
  FakeWorker worker = Connect("w", 4);
  ASSERT_THAT(worker.Grants(), SizeIs(2));
  EXPECT_EQ(WaitingOf("lora rank=1 seed=3"), "the sweep runs 2 trials, and its max_running is 2");
  EXPECT_THAT(View("demo").waiting, ElementsAre("the sweep runs 2 trials, and its max_running is 2"));
  // One more at once, though the slot of the one that has ended is not free yet.
  ASSERT_TRUE(Send(worker, worker.Grants()[0], 1, WholeRun()).ok());
  ASSERT_THAT(worker.Grants(), SizeIs(3));
  const Grant third = worker.Grants()[2];
  ASSERT_TRUE(Send(worker, third, 1, {MakeStarted(), Failed{"crashed", "signal 9"}}).ok());
  ASSERT_THAT(worker.Grants(), SizeIs(4));

  Restart();
  EXPECT_EQ(View("demo").sweep.max_running, 2);
  worker = Connect("v", 4);
  EXPECT_THAT(worker.Grants(), IsEmpty()) << "two run, or may";
  Submit(MakeSweep("other", 0, 1));
  EXPECT_THAT(worker.Grants(), SizeIs(1)) << "others go on";
}

TEST_F(PriorityTest, TrialsGoToWorkersWithTheirLabels) {
  spec::Sweep sweep = MakeSweep("demo", 0, 2);
  sweep.labels = {{"gpu", "a100"}, {"zone", "x"}};
  Submit(sweep);
  Hello plain = MakeHello("plain", CpuSlots(2)), half = MakeHello("half", CpuSlots(2)),
        whole = MakeHello("whole", CpuSlots(1));
  half.labels = {{"gpu", "a100"}};
  whole.labels = {{"gpu", "a100"}, {"zone", "x"}, {"rack", "7"}};
  EXPECT_THAT(Connect(plain).Grants(), IsEmpty());
  EXPECT_THAT(Connect(half).Grants(), IsEmpty());
  EXPECT_EQ(WaitingOf("full seed=1"), "no connected worker that has 1 slot is labelled gpu=a100, zone=x");
  EXPECT_THAT(Connect(whole).Grants(), SizeIs(1));
  EXPECT_EQ(WaitingOf("full seed=2"), "the only slot is busy");
  EXPECT_EQ(One("SELECT labels FROM workers WHERE id = 'half'"), R"({"gpu":"a100"})");
  EXPECT_EQ(service_->ListWorkers().at(2).worker.labels.at("rack"), "7");

  spec::Sweep never = MakeSweep("never", 0, 1);
  never.labels = {{"gpu", "h100"}};
  const auto refused = service_->Submit(never);
  ASSERT_TRUE(absl::IsFailedPrecondition(refused.status()));
  EXPECT_THAT(Message(refused.status()), HasSubstr("1 slot on a worker labelled gpu=h100"));
  EXPECT_THAT(Message(refused.status()), HasSubstr("labels: gpu=a100, rack=7, zone=x"));

  Restart();
  EXPECT_THAT(View("demo").waiting, ElementsAre("no worker is connected"));
  EXPECT_THAT(Connect(plain).Grants(), IsEmpty()) << "remembered";
}

TEST_F(PriorityTest, SubmittedAgainItKeepsWhatItHas) {
  spec::Sweep sweep = WithPriority("demo", 1);
  Submit(sweep);
  EXPECT_THAT(Submit(sweep).warnings, IsEmpty());
  sweep.priority = 2;
  sweep.max_running = 3;
  sweep.labels = {{"gpu", "a100"}};
  EXPECT_THAT(Submit(sweep).warnings,
              ElementsAre("it keeps its priority of 1, where the file now says 2; 'sweepctl priority demo 2' "
                          "changes it",
                          "it keeps its max_running, unset, where the file now says 3",
                          "it keeps its resources.labels (), where the file now says (gpu=a100)"));
}

TEST_F(PriorityTest, ABackoffSaysUntilWhenAndAfterWhat) {
  Submit(MakeSweep("demo", 0, 1));
  const FakeWorker worker = Connect("w", 1);
  ASSERT_TRUE(Send(worker, worker.Grants()[0], 1, {MakeStarted(), Failed{"crashed", "signal 9"}}).ok());
  EXPECT_THAT(WaitingOf("full seed=1"), StartsWith("tried again in 30 s, at 20"));
  EXPECT_THAT(WaitingOf("full seed=1"), HasSubstr("Z; its last failure: crashed: signal 9"));
  ASSERT_TRUE(service_->Pause("demo").ok());
  EXPECT_EQ(WaitingOf("full seed=1"), "the sweep is paused");
}

}  // namespace
}  // namespace lorikeet::service
