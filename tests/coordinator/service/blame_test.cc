// Trials that take their workers down, and workers that fail what they are given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BlameTest : public ServiceTest {
 protected:
  // Tried again at once, and often.
  static spec::Sweep Stubborn(std::int64_t ranks, std::int64_t seeds) {
    spec::Sweep sweep = MakeSweep("demo", ranks, seeds);
    sweep.retry = {.attempts = 50, .backoff = seconds(0)};
    return sweep;
  }
  void Fail(const FakeWorker& worker, const Grant& grant, const std::string& kind) {
    ASSERT_TRUE(Send(worker, grant, 1, {MakeStarted(), service::Failed{kind, "signal 9"}}).ok());
  }
  // The newest grant of the worker fails, and leaves its slot.
  void FailNext(const FakeWorker& worker, const std::string& kind = "crashed") {
    const Grant grant = worker.Grants().back();
    Fail(worker, grant, kind);
    Close(worker, grant);
  }
  std::string WorkerState(const std::string& id) {
    for (const WorkerView& view : service_->ListWorkers()) {
      if (view.worker.id == id) return view.worker.state;
    }
    return "unknown";
  }
  // The lease of a worker that is gone ends.
  void Lose(const FakeWorker& worker) {
    Disconnect(worker);
    Pass(seconds(61));
  }
};

TEST_F(BlameTest, ATrialThatCrashesOnThreeWorkersIsGivenUp) {
  Submit(Stubborn(0, 1));
  Grant last;
  for (const char* id : {"a", "b", "c"}) {
    const FakeWorker worker = Connect(id, 1);
    ASSERT_THAT(worker.Grants(), SizeIs(1)) << id;
    last = worker.Grants()[0];
    Fail(worker, last, "crashed");  // its slot stays taken, so that the next attempt is elsewhere
  }
  EXPECT_EQ(StateOf(last), "failed");
  EXPECT_EQ(TrialOf(last).failure_kind, "crashed");
  EXPECT_EQ(TrialOf(last).failures, 3);
  EXPECT_THAT(TrialOf(last).failure_message, HasSubstr("signal 9; given up"));
  EXPECT_THAT(TrialOf(last).failure_message, HasSubstr("3 workers (host-a, host-b, host-c)"));

  // A person's retry counts anew.
  ASSERT_TRUE(service_->Retry("full seed=1").ok());
  const FakeWorker another = Connect("d", 1);
  Fail(another, another.Grants().at(0), "crashed");
  EXPECT_EQ(StateOf(last), "pending");
}

TEST_F(BlameTest, OneThatCrashesOnOneWorkerOrFailsOtherwiseIsTriedOn) {
  Submit(Stubborn(0, 1));
  const FakeWorker worker = Connect("a", 1);
  for (int i = 0; i < 10; ++i) FailNext(worker);
  EXPECT_EQ(StateOf(worker.Grants().back()), "running");
  Fail(worker, worker.Grants().back(), "oom");
  for (const char* id : {"b", "c", "d"}) {
    const FakeWorker other = Connect(id, 1);
    ASSERT_THAT(other.Grants(), SizeIs(1));
    Fail(other, other.Grants()[0], "oom");
  }
  EXPECT_EQ(StateOf(worker.Grants()[0]), "pending");
}

TEST_F(BlameTest, ATrialThatTakesThreeWorkersDownIsGivenUp) {
  Submit(Stubborn(0, 1));
  Grant grant;
  for (const char* id : {"a", "b", "c"}) {
    const FakeWorker worker = Connect(id, 1);
    ASSERT_THAT(worker.Grants(), SizeIs(1)) << id;
    grant = worker.Grants()[0];
    ASSERT_TRUE(Send(worker, grant, 1, {MakeStarted()}).ok());
    Lose(worker);
    EXPECT_EQ(StateOf(grant), "pending") << "it may come back";
  }
  const FakeWorker last = Connect("d", 1);
  EXPECT_THAT(last.Grants(), IsEmpty());
  EXPECT_EQ(StateOf(grant), "failed");
  EXPECT_EQ(TrialOf(grant).failure_kind, "lost");
  EXPECT_THAT(TrialOf(grant).failure_message, HasSubstr("host-a, host-b, host-c"));
  EXPECT_EQ(View("demo").sweep.state, core::SweepState::kFinished);
}

TEST_F(BlameTest, ALostAttemptThatHadGotOnIsItsWorkersMishap) {
  Submit(Stubborn(0, 1));
  for (const char* id : {"a", "b", "c", "d"}) {
    const FakeWorker worker = Connect(id, 1);
    ASSERT_THAT(worker.Grants(), SizeIs(1)) << id;
    ASSERT_TRUE(Send(worker, worker.Grants()[0], 1, {MakeStarted(), CheckpointSaved{5}}).ok());
    Lose(worker);
  }
  EXPECT_THAT(Connect("e", 1).Grants(), SizeIs(1));
}

TEST_F(BlameTest, AWorkerThatFailsThreeTrialsInARowIsQuarantinedUntilItIsReadmitted) {
  Submit(MakeSweep("demo", 1, 3));
  const FakeWorker good = Connect("good", 1);
  FakeWorker bad = Connect("bad", 1);
  FailNext(bad);
  FailNext(bad, "oom");
  EXPECT_EQ(WorkerState("bad"), "connected");
  FailNext(bad);
  EXPECT_EQ(WorkerState("bad"), "quarantined");
  ASSERT_THAT(bad.Grants(), SizeIs(3));
  const std::string why = One("SELECT quarantine FROM workers WHERE id = 'bad'");
  EXPECT_THAT(why, HasSubstr("3 trials failed on it in a row: '"));
  EXPECT_THAT(why, HasSubstr("; the last: crashed: signal 9"));
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'quarantined' AND worker_id = 'bad'"), why);
  Pass(seconds(40));
  EXPECT_THAT(bad.Grants(), SizeIs(3)) << "though trials wait";
  Disconnect(good);
  EXPECT_THAT(View("demo").waiting, ElementsAre("every worker that has 1 slot is quarantined"));

  Disconnect(bad);
  EXPECT_EQ(WorkerState("bad"), "disconnected, quarantined");
  Restart();
  bad = Connect("bad", 1);
  EXPECT_THAT(bad.Grants(), IsEmpty()) << "remembered";
  const auto readmitted = service_->Readmit("host-bad");
  ASSERT_TRUE(readmitted.ok()) << readmitted.status();
  EXPECT_TRUE(readmitted->changed);
  EXPECT_EQ(readmitted->worker_id, "bad");
  EXPECT_EQ(readmitted->state, "connected");
  EXPECT_FALSE(service_->Readmit("bad")->changed);
  EXPECT_THAT(bad.Grants(), SizeIs(1));
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'readmitted'"), "1");
  EXPECT_TRUE(absl::IsNotFound(service_->Readmit("bed").status()));
}

TEST_F(BlameTest, ASuccessBetweenThemAndTheTrialsOwnFaultsDoNotCount) {
  Submit(MakeSweep("demo", 3, 3));
  Connect("good", 1);
  const FakeWorker worker = Connect("worker", 1);
  FailNext(worker);
  FailNext(worker);
  FailNext(worker, "diverged");
  FailNext(worker, "bad_input");
  FailNext(worker, "timed_out");
  EXPECT_EQ(WorkerState("worker"), "connected");
  const Grant fine = worker.Grants().back();
  ASSERT_TRUE(Send(worker, fine, 1, WholeRun()).ok());
  Close(worker, fine);
  FailNext(worker);
  FailNext(worker);
  EXPECT_EQ(WorkerState("worker"), "connected");
  FailNext(worker);
  EXPECT_EQ(WorkerState("worker"), "quarantined");
}

TEST_F(BlameTest, TheSameTrialAgainAndAgainIsOneTrial) {
  Submit(MakeSweep("another", 0, 1));
  Connect("other", 1);  // could hold it, and is busy
  Submit(Stubborn(0, 1));
  const FakeWorker worker = Connect("worker", 1);
  for (int i = 0; i < 5; ++i) FailNext(worker);
  EXPECT_THAT(worker.Grants(), SizeIs(6));
  EXPECT_EQ(WorkerState("worker"), "connected");
}

TEST_F(BlameTest, TheLastWorkerThatCouldHoldThemIsNotQuarantined) {
  spec::Sweep sweep = MakeSweep("demo", 1, 3);
  NeedGpus(sweep, 1);
  Connect("cpu", 4);
  const FakeWorker gpu = Connect(MakeHello("gpu", GpuSlots(1)));
  Submit(sweep);
  for (int i = 0; i < 4; ++i) FailNext(gpu);
  EXPECT_EQ(WorkerState("gpu"), "connected");
  Connect(MakeHello("second", GpuSlots(1)));
  FailNext(gpu);
  EXPECT_EQ(WorkerState("gpu"), "quarantined");
}

TEST_F(BlameTest, ASweepThatFailsElsewhereTooIsToBlameItself) {
  Submit(MakeSweep("demo", 3, 3));
  const FakeWorker one = Connect("one", 1), other = Connect("other", 1);
  FailNext(other);
  for (int i = 0; i < 4; ++i) FailNext(one);
  EXPECT_EQ(WorkerState("one"), "connected");
  // Not any more once one of it has gone well there.
  const Grant fine = other.Grants().back();
  ASSERT_TRUE(Send(other, fine, 1, WholeRun()).ok());
  Close(other, fine);
  FailNext(one);
  EXPECT_EQ(WorkerState("one"), "quarantined");
}

TEST_F(BlameTest, LeasesThatEndTogetherWhileTheSessionIsOpenAreOneMishap) {
  Submit(MakeSweep("demo", 1, 3));
  Connect("other", 1);
  const FakeWorker silent = Connect("silent", 3);
  ASSERT_THAT(silent.Grants(), SizeIs(3));
  Pass(seconds(61));
  EXPECT_EQ(WorkerState("silent"), "connected");
  EXPECT_EQ(One("SELECT json_array_length(failing) FROM workers WHERE id = 'silent'"), "1");
}

TEST_F(BlameTest, AWorkerThatCanStartNothingIsQuarantinedToo) {
  Submit(MakeSweep("demo", 1, 3));
  const FakeWorker good = Connect("good", 1);
  const FakeWorker bad = Connect("bad", 1);
  const auto hand_back = [&](bool not_started) {
    const Grant grant = bad.Grants().back();
    ASSERT_TRUE(Send(bad, grant, 1, {Returned{0, false, "no more processes", not_started}}).ok());
    Close(bad, grant);
  };
  for (int i = 0; i < 2; ++i) hand_back(true);
  EXPECT_EQ(WorkerState("bad"), "connected");
  hand_back(false);
  EXPECT_EQ(WorkerState("bad"), "connected") << "drained, or restarted: nobody's fault";
  hand_back(true);
  EXPECT_EQ(WorkerState("bad"), "quarantined");
  EXPECT_THAT(service_->ListWorkers().at(0).worker.quarantine, HasSubstr("not started: no more processes"));
  EXPECT_EQ(TrialOf(bad.Grants()[0]).failures, 0);
}

}  // namespace
}  // namespace lorikeet::service
