// Pause, resume, retry and drain: what each changes, that asking twice changes nothing, that a restart
// remembers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ControlTest : public ServiceTest {
 protected:
  std::string WorkerState() { return service_->ListWorkers().at(0).worker.state; }
  // Fails it for good.
  void FailBadly(const FakeWorker& worker, const Grant& grant) {
    ASSERT_TRUE(Send(worker, grant, 1, {MakeStarted(), Failed{"diverged", "the loss is not a number"}}).ok());
    Close(worker, grant);
  }
};

TEST_F(ControlTest, APausedSweepGetsNothingNewAndWhatRunsGoesOn) {
  Submit(MakeSweep("demo", 1, 1));
  const FakeWorker worker = Connect("w", 1);
  const auto paused = service_->Pause("demo");
  ASSERT_TRUE(paused.ok()) << paused.status();
  EXPECT_TRUE(paused->changed);
  EXPECT_EQ(paused->state, "paused");
  EXPECT_EQ(paused->running, 1);
  EXPECT_EQ(paused->pending, 1);
  EXPECT_FALSE(service_->Pause("demo")->changed);
  EXPECT_EQ(WaitingOf("lora rank=1 seed=1"), "the sweep is paused");
  EXPECT_THAT(View("demo").waiting, ElementsAre("the sweep is paused"));
  Succeed(worker, worker.Grants()[0]);
  EXPECT_EQ(StateOf(worker.Grants()[0]), "succeeded");
  Pass(seconds(5));
  EXPECT_THAT(worker.Grants(), SizeIs(1));

  Restart();
  const FakeWorker back = Connect("w", 1);
  Pass(seconds(5));
  EXPECT_THAT(back.Grants(), IsEmpty()) << "remembered";
  EXPECT_EQ(View("demo").sweep.state, core::SweepState::kPaused);
  ASSERT_TRUE(service_->Resume("demo")->changed);
  EXPECT_FALSE(service_->Resume("demo")->changed);
  ASSERT_THAT(back.Grants(), SizeIs(1));
  Succeed(back, back.Grants()[0]);
  EXPECT_EQ(View("demo").sweep.state, core::SweepState::kFinished);
  EXPECT_FALSE(service_->Pause("demo")->changed);
  EXPECT_EQ(service_->Resume("demo")->state, "finished");
}

TEST_F(ControlTest, APauseHoldsBackWhatComesBackToo) {
  Submit(MakeSweep("demo", 0, 1));
  const FakeWorker worker = Connect("w", 1);
  ASSERT_TRUE(service_->Pause("demo").ok());
  ASSERT_TRUE(Send(worker, worker.Grants()[0], 1, {MakeStarted(), Failed{"crashed", "signal 9"}}).ok());
  Close(worker, worker.Grants()[0]);
  Pass(seconds(100));
  EXPECT_THAT(worker.Grants(), SizeIs(1));
  Submit(MakeSweep("other", 0, 1));
  EXPECT_THAT(worker.Grants(), SizeIs(2)) << "other sweeps go on";
  Close(worker, worker.Grants()[1]);
  ASSERT_TRUE(service_->Resume("demo").ok());
  EXPECT_THAT(worker.Grants(), SizeIs(3));
}

TEST_F(ControlTest, APausedSweepFinishesAndIsCancelled) {
  Submit(MakeSweep("demo", 0, 1));
  const FakeWorker worker = Connect("w", 1);
  ASSERT_TRUE(service_->Pause("demo").ok());
  Succeed(worker, worker.Grants()[0]);
  EXPECT_EQ(View("demo").sweep.state, core::SweepState::kFinished);
  Submit(MakeSweep("other", 0, 1));
  ASSERT_TRUE(service_->Pause("other").ok());
  ASSERT_TRUE(service_->Cancel("other", "").ok());
  EXPECT_THAT(Message(service_->Resume("other").status()), HasSubstr("sweepctl retry other"));
  EXPECT_FALSE(service_->Pause("other")->changed);
}

TEST_F(ControlTest, RetryRunsWhatFailedOrWasCancelledAgainAndLeavesTheRest) {
  Submit(MakeSweep("demo", 1, 2));
  const FakeWorker worker = Connect("w", 4);
  Succeed(worker, worker.Grants()[0]);
  FailBadly(worker, worker.Grants()[1]);
  ASSERT_TRUE(service_->Cancel("", worker.Grants()[2].attempt.trial_id).ok());
  Close(worker, worker.Grants()[2]);
  FailBadly(worker, worker.Grants()[3]);
  ASSERT_EQ(View("demo").sweep.state, core::SweepState::kFinished);
  Disconnect(worker);

  const auto retried = service_->Retry("demo");
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_EQ(retried->trials, 3);
  EXPECT_EQ(retried->state, "running");
  EXPECT_FALSE(View("demo").sweep.finished_at.has_value());
  EXPECT_EQ(service_->Retry("demo")->trials, 0);
  const core::Trial again = TrialOf(worker.Grants()[1]);
  EXPECT_EQ(again.state, core::TrialState::kPending);
  EXPECT_EQ(again.failures, 0);
  EXPECT_EQ(again.failure_kind, "");
  EXPECT_EQ(StateOf(worker.Grants()[0]), "succeeded");

  Restart();
  EXPECT_EQ(View("demo").pending, 3);
  const FakeWorker back = Connect("w", 4);
  ASSERT_THAT(back.Grants(), SizeIs(3));
  for (const Grant& grant : back.Grants()) {
    EXPECT_EQ(grant.attempt.number, 2) << "without gaps, whatever the token";
    Succeed(back, grant);
  }
  EXPECT_EQ(View("demo").succeeded, 4);
  EXPECT_EQ(View("demo").sweep.state, core::SweepState::kFinished);
}

TEST_F(ControlTest, NothingStaleCountsAfterARetry) {
  Submit(MakeSweep("demo", 0, 1));
  const FakeWorker worker = Connect("w", 1);
  const Grant stale = worker.Grants()[0];
  ASSERT_TRUE(service_->Cancel("demo", "").ok());
  ASSERT_TRUE(service_->Retry("demo").ok());  // its trainer does not know yet
  ASSERT_TRUE(Send(worker, stale, 1, WholeRun()).ok());
  EXPECT_TRUE(worker.LastAck().superseded);
  EXPECT_THAT(Renew(worker, stale).attempt_ids, IsEmpty());
  EXPECT_EQ(StateOf(stale), "pending") << "its slot is not free yet";
  const FakeWorker back = Connect("w", 1, {{stale.attempt.id, stale.attempt.token, true, {0}, 3}});
  EXPECT_THAT(back.connection->All<Welcome>()[0].stop, ElementsAre(stale.attempt.id));
  Close(back, stale);
  ASSERT_THAT(back.Grants(), SizeIs(1));
  EXPECT_GT(back.Grants()[0].attempt.token, stale.attempt.token);
  Succeed(back, back.Grants()[0]);
  EXPECT_EQ(StateOf(stale), "succeeded");
}

TEST_F(ControlTest, OneTrialIsRetriedByItsName) {
  Submit(MakeSweep("demo", 1, 1));
  const FakeWorker worker = Connect("w", 1);
  EXPECT_EQ(service_->Retry("demo/full seed=1")->trials, 0) << "it runs";
  ASSERT_TRUE(service_->Cancel("demo", "").ok());
  Close(worker, worker.Grants()[0]);
  const auto retried = service_->Retry("lora rank=1 seed=1");
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_EQ(retried->trials, 1);
  EXPECT_TRUE(retried->is_trial);
  EXPECT_EQ(retried->sweep_state, "running");
  EXPECT_EQ(View("demo").cancelled, 1);
  ASSERT_THAT(worker.Grants(), SizeIs(2));
  Succeed(worker, worker.Grants()[1]);
  EXPECT_EQ(View("demo").sweep.state, core::SweepState::kFinished);
  EXPECT_EQ(service_->Retry("lora rank=1 seed=1")->trials, 0) << "a result stays";
  EXPECT_THAT(Message(service_->Retry("dmeo").status()), HasSubstr("did you mean 'demo'"));
  EXPECT_THAT(Message(service_->Retry("ful seed=1").status()), HasSubstr("did you mean 'full seed=1'"));
}

TEST_F(ControlTest, ARetryOfAPausedSweepStaysPaused) {
  Submit(MakeSweep("demo", 0, 2));
  const FakeWorker worker = Connect("w", 1);
  ASSERT_TRUE(service_->Pause("demo").ok());
  FailBadly(worker, worker.Grants()[0]);
  const auto retried = service_->Retry("demo");
  EXPECT_EQ(retried->trials, 1);
  EXPECT_EQ(retried->state, "paused");
  EXPECT_THAT(worker.Grants(), SizeIs(1));
}

TEST_F(ControlTest, ASweepsMemoryIsAskedForAfterARestartAndARetry) {
  spec::Sweep sweep = MakeSweep("demo", 0, 1);
  sweep.resources.memory_bytes = 1LL << 34;
  for (auto& configuration : sweep.configurations) configuration.trial.resources = sweep.resources;
  Submit(sweep);
  ASSERT_TRUE(service_->Cancel("demo", "").ok());
  Restart();
  ASSERT_TRUE(service_->Retry("demo").ok());
  const FakeWorker small = Connect("w", 1);  // 8 GiB
  EXPECT_THAT(small.Grants(), IsEmpty());
  EXPECT_THAT(WaitingOf("demo/full seed=1"), HasSubstr("16.0 GiB"));
}

TEST_F(ControlTest, ADrainedWorkerHandsBackAndStaysUntilItIsUndone) {
  Submit(MakeSweep("demo", 0, 1));
  const FakeWorker worker = Connect("w", 1);
  const Grant grant = worker.Grants()[0];
  const auto drained = service_->Drain("host-w", false);
  ASSERT_TRUE(drained.ok()) << drained.status();
  EXPECT_TRUE(drained->changed);
  EXPECT_EQ(drained->worker_id, "w");
  EXPECT_EQ(drained->state, "draining");
  EXPECT_EQ(drained->attempts, 1);
  EXPECT_FALSE(service_->Drain("w", false)->changed);
  EXPECT_THAT(worker.connection->All<DrainRequest>(), SizeIs(1)) << "said once";
  ASSERT_TRUE(Send(worker, grant, 1, {MakeStarted(), Returned{0, false, "asked"}}).ok());
  EXPECT_EQ(WorkerState(), "draining") << "its process is still there";
  Close(worker, grant);
  EXPECT_EQ(WorkerState(), "drained");
  Pass(seconds(5));
  EXPECT_THAT(worker.Grants(), SizeIs(1));
  EXPECT_THAT(WaitingOf("demo/full seed=1"), HasSubstr("draining"));

  Restart();
  EXPECT_EQ(WorkerState(), "disconnected, drained");
  const FakeWorker back = Connect("w", 1);
  EXPECT_EQ(WorkerState(), "drained");
  EXPECT_THAT(back.Grants(), IsEmpty());
  EXPECT_THAT(back.connection->All<DrainRequest>(), IsEmpty()) << "it holds nothing";
  EXPECT_TRUE(service_->Drain("w", true)->changed);
  EXPECT_EQ(WorkerState(), "connected");
  EXPECT_THAT(back.Grants(), SizeIs(1));
  EXPECT_FALSE(service_->Drain("w", true)->changed);
}

TEST_F(ControlTest, AWorkerThatWasAwayIsAskedToDrainWhenItIsBack) {
  Submit(MakeSweep("demo", 0, 1));
  const FakeWorker worker = Connect("w", 1);
  const Grant grant = worker.Grants()[0];
  Disconnect(worker);
  const auto drained = service_->Drain("w", false);
  EXPECT_EQ(drained->state, "disconnected, drained");
  Restart();
  const FakeWorker back = Connect("w", 1, {{grant.attempt.id, grant.attempt.token, true, {0}, 0}});
  ASSERT_THAT(back.connection->inbox, SizeIs(2));
  EXPECT_THAT(back.connection->All<DrainRequest>(), SizeIs(1));
  EXPECT_TRUE(std::holds_alternative<Welcome>(back.connection->inbox[0])) << "first";
  EXPECT_EQ(WorkerState(), "draining");
}

TEST_F(ControlTest, UndoingDoesNotBringBackAWorkerThatLeavesByItself) {
  Submit(MakeSweep("demo", 0, 1));
  ASSERT_TRUE(service_->Pause("demo").ok());
  const FakeWorker worker = Connect("w", 1);
  ASSERT_TRUE(service_->Drain("w", false).ok());
  ASSERT_TRUE(service_->HandleDraining(worker.session).ok());
  ASSERT_TRUE(service_->Drain("w", true).ok());
  EXPECT_EQ(WorkerState(), "draining");
  ASSERT_TRUE(service_->Resume("demo").ok());
  EXPECT_THAT(worker.Grants(), IsEmpty());
}

TEST_F(ControlTest, AWorkerIsNamedByItsIdOrByAHostOfItsOwn) {
  Connect("w", 1);
  Hello twin = MakeHello("x", CpuSlots(1));
  twin.hostname = "host-w";
  Connect(twin);
  EXPECT_TRUE(service_->Drain("x", false).ok());
  const Status ambiguous = service_->Drain("host-w", false).status();
  EXPECT_TRUE(absl::IsInvalidArgument(ambiguous)) << ambiguous;
  EXPECT_THAT(Message(ambiguous), HasSubstr("w, x"));
  EXPECT_THAT(Message(service_->Drain("host-v", false).status()), HasSubstr("did you mean 'host-w'"));
}

}  // namespace
}  // namespace lorikeet::service
