#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LeasesTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    Submit(MakeSweep("demo", 0, 1));  // one trial
    worker_ = Connect("w", 1);
    ASSERT_EQ(worker_.Grants().size(), 1U);
    grant_ = worker_.Grants()[0];
  }
  Held HeldNow(bool running = true) const {
    return {grant_.attempt.id, grant_.attempt.token, running,
            running ? grant_.slots : std::vector<std::int64_t>{}, 0};
  }
  FakeWorker worker_;
  Grant grant_;
};

TEST_F(LeasesTest, WelcomeComesFirstAndSaysHowLongALeaseIs) {
  ASSERT_EQ(worker_.connection->inbox.size(), 2U);
  const auto* welcome = std::get_if<Welcome>(&worker_.connection->inbox[0]);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->session, worker_.session);
  EXPECT_EQ(welcome->lease, Duration(seconds(60)));
  EXPECT_EQ(welcome->renew_every, Duration(seconds(10)));
}

TEST_F(LeasesTest, RunsOutToTheSecondUnlessRenewed) {
  Pass(seconds(50));
  EXPECT_THAT(Renew(worker_, grant_).attempt_ids, ElementsAre(grant_.attempt.id));
  Pass(seconds(59));
  EXPECT_EQ(StateOf(grant_), "running");
  Pass(seconds(1));
  EXPECT_EQ(StateOf(grant_), "pending");
  EXPECT_EQ(AttemptState(grant_), "lost");
  EXPECT_EQ(TrialOf(grant_).failures, 0);
}

TEST_F(LeasesTest, AReportIsAWordToo) {
  Pass(seconds(50));
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted()}).ok());
  Pass(seconds(50));
  EXPECT_EQ(StateOf(grant_), "running");
}

TEST_F(LeasesTest, ALateResultCountsUntilTheTrialIsGrantedAgain) {
  Pass(seconds(60));
  ASSERT_EQ(AttemptState(grant_), "lost");
  ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
  EXPECT_FALSE(worker_.LastAck().superseded);
  EXPECT_EQ(AttemptState(grant_), "succeeded");
  EXPECT_EQ(StateOf(grant_), "succeeded");
  EXPECT_EQ(View("demo").sweep.state, core::SweepState::kFinished);
}

TEST_F(LeasesTest, ALateWordTakesTheTrialUpAgain) {
  Pass(seconds(60));
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted()}).ok());
  EXPECT_EQ(AttemptState(grant_), "running");
  EXPECT_EQ(StateOf(grant_), "running");
  const FakeWorker other = Connect("x", 1);
  EXPECT_THAT(other.Grants(), IsEmpty());
  // With its full lease.
  Pass(seconds(59));
  EXPECT_EQ(StateOf(grant_), "running");
  Pass(seconds(1));
  EXPECT_EQ(other.Grants().size(), 1U);
}

TEST_F(LeasesTest, ALateRenewalDoesToo) {
  Pass(seconds(60));
  EXPECT_THAT(Renew(worker_, grant_).attempt_ids, ElementsAre(grant_.attempt.id));
  EXPECT_EQ(AttemptState(grant_), "running");
  EXPECT_EQ(StateOf(grant_), "running");
}

TEST_F(LeasesTest, OnceGrantedAgainTheOldAttemptIsNothing) {
  const FakeWorker other = Connect("x", 1);
  Pass(seconds(60));
  ASSERT_EQ(other.Grants().size(), 1U);
  const Grant second = other.Grants()[0];
  EXPECT_EQ(second.attempt.token, 2);
  EXPECT_EQ(AttemptState(grant_), "superseded");
  const auto revokes = worker_.connection->All<Revoke>();
  ASSERT_EQ(revokes.size(), 1U);
  EXPECT_EQ(revokes[0].attempt_id, grant_.attempt.id);
  EXPECT_EQ(revokes[0].token, grant_.attempt.token);
  // Neither a result nor a renewal of it.
  ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
  EXPECT_TRUE(worker_.LastAck().superseded);
  EXPECT_THAT(Renew(worker_, grant_).attempt_ids, IsEmpty());
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
  ASSERT_TRUE(Send(other, second, 1, WholeRun()).ok());
  EXPECT_EQ(One("SELECT attempt_id FROM results"), second.attempt.id);
}

TEST_F(LeasesTest, AStallOfTheCoordinatorCostsNobodyALease) {
  Pass(seconds(50));
  clock_.Advance(std::chrono::hours(2));  // stopped, or the host slept
  ASSERT_TRUE(service_->Tick().ok());
  EXPECT_EQ(StateOf(grant_), "running");
  Pass(seconds(59));
  EXPECT_EQ(StateOf(grant_), "running");
  Pass(seconds(1));
  EXPECT_EQ(StateOf(grant_), "pending");
}

TEST_F(LeasesTest, AWallClockThatJumpsChangesNothing) {
  clock_.JumpWall(std::chrono::hours(48));
  Pass(seconds(59));
  EXPECT_EQ(StateOf(grant_), "running");
}

TEST_F(LeasesTest, ARestartGivesEveryLeaseItsFullLengthAnew) {
  Pass(seconds(55));
  Restart();
  Pass(seconds(59));
  EXPECT_EQ(StateOf(grant_), "running");
  worker_ = Connect("w", 1, {HeldNow()});
  EXPECT_EQ(worker_.connection->All<Welcome>()[0].keep.size(), 1U);
  Pass(seconds(59));
  EXPECT_EQ(StateOf(grant_), "running");
  ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
  EXPECT_EQ(StateOf(grant_), "succeeded");
}

TEST_F(LeasesTest, ARestartRemembersWhatWasLost) {
  Pass(seconds(60));
  ASSERT_EQ(AttemptState(grant_), "lost");
  Restart();
  EXPECT_EQ(StateOf(grant_), "pending");
  worker_ = Connect("w", 1, {HeldNow()});
  EXPECT_EQ(AttemptState(grant_), "running");
  EXPECT_THAT(worker_.Grants(), IsEmpty());  // its slot is taken, its trial too
}

TEST_F(LeasesTest, ADisconnectFreesNothing) {
  Disconnect(worker_);
  EXPECT_EQ(StateOf(grant_), "running");
  EXPECT_EQ(service_->ListWorkers().at(0).worker.state, "disconnected");
  const FakeWorker other = Connect("x", 1);
  EXPECT_THAT(other.Grants(), IsEmpty());
  Pass(seconds(60));
  EXPECT_EQ(other.Grants().size(), 1U);
}

TEST_F(LeasesTest, AWorkerBackWithItsAttemptGoesOn) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), CheckpointSaved{2}}).ok());
  Disconnect(worker_);
  Pass(seconds(30));
  worker_ = Connect("w", 1, {HeldNow()});
  EXPECT_THAT(worker_.connection->All<Welcome>()[0].keep, ElementsAre(std::make_pair(grant_.attempt.id, 2)));
  Pass(seconds(59));
  EXPECT_EQ(StateOf(grant_), "running");
  EXPECT_THAT(worker_.Grants(), IsEmpty());
}

TEST_F(LeasesTest, AWorkerBackWithoutItsAttemptHasLostIt) {
  Disconnect(worker_);
  worker_ = Connect("w", 1);
  EXPECT_EQ(AttemptState(grant_), "superseded");  // lost, and granted again at once
  ASSERT_EQ(worker_.Grants().size(), 1U);
  EXPECT_EQ(worker_.Grants()[0].attempt.token, 2);
  EXPECT_EQ(TrialOf(grant_).failures, 0);
}

TEST_F(LeasesTest, AWorkerThatOnlyHasTheSpoolLeftHandsItIn) {
  Disconnect(worker_);
  Pass(seconds(61));
  ASSERT_EQ(AttemptState(grant_), "lost");
  worker_ = Connect("w", 1, {HeldNow(/*running=*/false)});
  EXPECT_THAT(worker_.Grants(), IsEmpty());
  ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
  EXPECT_EQ(StateOf(grant_), "succeeded");
}

TEST_F(LeasesTest, ANewerSessionReplacesTheOlder) {
  const FakeWorker newer = Connect("w", 1, {HeldNow()});
  EXPECT_GT(newer.session, worker_.session);
  EXPECT_EQ(worker_.connection->All<Replaced>().size(), 1U);
  // The older is unknown: what comes through it changes nothing, its end neither.
  EXPECT_TRUE(absl::IsAborted(Send(worker_, grant_, 1, WholeRun())));
  ASSERT_TRUE(service_->HandleDraining(worker_.session).ok());
  Close(worker_, grant_);
  Disconnect(worker_);
  const WorkerView view = service_->ListWorkers().at(0);
  EXPECT_EQ(view.worker.state, "connected");
  EXPECT_EQ(view.slots_busy, 1);
  ASSERT_TRUE(Send(newer, grant_, 1, WholeRun()).ok());
  EXPECT_EQ(StateOf(grant_), "succeeded");
}

// A stream that broke may deliver its first words after a newer stream's.
TEST_F(LeasesTest, AHelloThatComesLateReplacesNothing) {
  const auto hello = [&](std::int64_t start, const std::string& process, std::int64_t connection) {
    Hello said = MakeHello("x", CpuSlots(1));
    said.origin = {start, process, connection};
    return said;
  };
  const FakeWorker open = Connect(hello(2, "p", 3));
  for (const auto& [start, process, connection] :
       {std::tuple(2, "p", 2), std::tuple(2, "p", 3), std::tuple(1, "o", 9)}) {
    const auto late =
        service_->Connect(hello(start, process, connection), std::make_shared<FakeConnection>());
    EXPECT_TRUE(absl::IsAborted(late.status())) << late.status();
  }
  EXPECT_EQ(open.connection->All<Replaced>().size(), 0U);
  // A later connection, a later start, a copy of the worker's folder, and a worker that does not say.
  FakeWorker before = open;
  for (const Hello& newer :
       {hello(2, "p", 4), hello(3, "q", 1), hello(3, "copy", 1), hello(0, "", 0), hello(1, "p", 1)}) {
    const FakeWorker now = Connect(newer);
    EXPECT_EQ(before.connection->All<Replaced>().size(), 1U);
    before = now;
  }
}

TEST_F(LeasesTest, SupersededProcessesStillHaveTheirSlots) {
  const FakeWorker other = Connect("x", 1);
  Disconnect(worker_);
  Pass(seconds(60));
  ASSERT_EQ(other.Grants().size(), 1U);
  Submit(MakeSweep("more", 0, 2));
  worker_ = Connect("w", 1, {HeldNow()});
  EXPECT_THAT(worker_.connection->All<Welcome>()[0].stop, ElementsAre(grant_.attempt.id));
  EXPECT_THAT(worker_.Grants(), IsEmpty());
  Close(worker_, grant_);
  EXPECT_EQ(worker_.Grants().size(), 1U);
}

TEST_F(LeasesTest, DrainingWorkersGetNothingNew) {
  ASSERT_TRUE(service_->HandleDraining(worker_.session).ok());
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), Returned{3, true, "drain"}}).ok());
  Close(worker_, grant_);
  Pass(seconds(5));
  EXPECT_EQ(worker_.Grants().size(), 1U);
  EXPECT_EQ(StateOf(grant_), "pending");
  EXPECT_EQ(service_->ListWorkers().at(0).worker.state, "draining");
  Hello hello = MakeHello("w", CpuSlots(1));
  hello.draining = true;
  EXPECT_THAT(Connect(hello).Grants(), IsEmpty());
  EXPECT_EQ(Connect("w", 1).Grants().size(), 1U);
}

TEST_F(LeasesTest, BackoffOutlivesARestart) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), Failed{"oom", "9 GiB"}}).ok());
  Pass(seconds(10));
  Restart();
  worker_ = Connect("w", 1);
  Pass(seconds(19));
  EXPECT_THAT(worker_.Grants(), IsEmpty());
  Pass(seconds(1));
  EXPECT_EQ(worker_.Grants().size(), 1U);
  EXPECT_EQ(TrialOf(grant_).failures, 1);
}

TEST_F(LeasesTest, GoesBackToTheWorkerWithTheCheckpoint) {
  ASSERT_TRUE(
      Send(worker_, grant_, 1, {MakeStarted(), CheckpointSaved{5}, Failed{"crashed", "signal 9"}}).ok());
  Close(worker_, grant_);
  const FakeWorker roomy = Connect("a", 4);
  Pass(seconds(31));
  EXPECT_THAT(roomy.Grants(), IsEmpty());
  EXPECT_EQ(worker_.Grants().size(), 2U);
}

TEST_F(LeasesTest, ABadHelloIsRefused) {
  Hello hello = MakeHello("y", CpuSlots(1));
  hello.protocol_version = kProtocolVersion + 1;
  auto connection = std::make_shared<FakeConnection>();
  EXPECT_TRUE(absl::IsFailedPrecondition(service_->Connect(hello, connection).status()));
  hello = MakeHello("", CpuSlots(1));
  EXPECT_TRUE(absl::IsInvalidArgument(service_->Connect(hello, connection).status()));
  hello = MakeHello("y", CpuSlots(2));
  hello.slots[1].index = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(service_->Connect(hello, connection).status()));
  hello.slots[1].index = 1;
  hello.slots[1].kind = "tpu";
  EXPECT_TRUE(absl::IsInvalidArgument(service_->Connect(hello, connection).status()));
  EXPECT_THAT(connection->inbox, IsEmpty());
  EXPECT_EQ(service_->ListWorkers().size(), 1U);
}

TEST_F(LeasesTest, SessionNumbersGrowThroughRestarts) {
  const std::int64_t before = worker_.session;
  Restart();
  EXPECT_GT(Connect("x", 1).session, before);
}

TEST_F(LeasesTest, NothingIsGrantedBelowTheReserveOfRoom) {
  free_bytes_ = 3LL << 29;
  Submit(MakeSweep("second", 0, 1));
  Pass(seconds(6));
  const FakeWorker other = Connect("other", 1);
  EXPECT_TRUE(other.Grants().empty());
  ASSERT_FALSE(View("second").waiting.empty());
  EXPECT_EQ(View("second").waiting[0],
            "the coordinator's disk has 1.5 GiB left; it grants again above 2.0 GiB");
  EXPECT_EQ(service_->GetTrial("second/full seed=1")->waiting, View("second").waiting[0]);
  free_bytes_ = 3LL << 30;
  Pass(seconds(6));
  EXPECT_EQ(other.Grants().size(), 1U);
}

TEST_F(LeasesTest, AShortLeaseEndsThoughTicksAreABitLate) {
  service_.reset();
  auto service = Service::Create({.lease = seconds(1), .build = "0.1.0 (test)"}, *store_, clock_, random_);
  ASSERT_TRUE(service.ok()) << service.status();
  service_ = *std::move(service);
  clock_.Advance(std::chrono::milliseconds(600));
  ASSERT_TRUE(service_->Tick().ok());
  clock_.Advance(std::chrono::milliseconds(600));
  ASSERT_TRUE(service_->Tick().ok());
  EXPECT_EQ(AttemptState(grant_), "lost");
}

}  // namespace
}  // namespace lorikeet::service
