#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using SubmissionTest = ServiceTest;

TEST_F(SubmissionTest, StoresTheSweepWithAllItsTrials) {
  const Submitted submitted = Submit(MakeSweep("demo", 2, 3));
  EXPECT_FALSE(submitted.existing);
  EXPECT_EQ(submitted.trials, 9);
  EXPECT_THAT(submitted.warnings, ElementsAre(HasSubstr("no worker is connected")));
  EXPECT_EQ(One("SELECT count(*) FROM trials"), "9");
  EXPECT_EQ(One("SELECT group_concat(name || ' ' || planned, ', ') FROM configurations"),
            "full 3, lora rank=1 3, lora rank=2 3");
  EXPECT_EQ(One("SELECT axes FROM configurations WHERE name = 'lora rank=2'"), R"({"rank":"2"})");
  const SweepView view = View("demo");
  EXPECT_EQ(view.sweep.id, submitted.sweep_id);
  EXPECT_EQ(view.pending, 9);
  EXPECT_THAT(view.waiting, ElementsAre("no worker is connected"));
  EXPECT_FALSE(view.eta_seconds.has_value());
}

TEST_F(SubmissionTest, TheSameTwiceIsTheSameSweep) {
  const Submitted first = Submit(MakeSweep("demo", 1, 1));
  spec::Sweep again = MakeSweep("demo", 1, 1);
  again.text += "# a comment\n";
  for (int i = 0; i < 2; ++i) {
    const Submitted second = Submit(again);
    EXPECT_TRUE(second.existing);
    EXPECT_EQ(second.sweep_id, first.sweep_id);
    EXPECT_EQ(second.trials, 2);
    Restart();
  }
  EXPECT_EQ(One("SELECT count(*) FROM trials"), "2");
}

TEST_F(SubmissionTest, OtherContentUnderATakenNameIsRefused) {
  Submit(MakeSweep("demo", 1, 1));
  spec::Sweep other = MakeSweep("demo", 2, 1);
  other.fingerprint = "another";
  const Status status = service_->Submit(other).status();
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("another name"));
  EXPECT_EQ(One("SELECT count(*) FROM trials"), "2");
}

TEST_F(SubmissionTest, WhatNoWorkerCouldHoldIsRefusedBeforeAnythingIsStored) {
  spec::Sweep sweep = MakeSweep("demo", 1, 1);
  NeedGpus(sweep, 4);
  Connect("c", 8);
  const FakeWorker worker = Connect(MakeHello("g", GpuSlots(2)));
  const Status status = service_->Submit(sweep).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("4 GPU slots"));
  EXPECT_THAT(Message(status), HasSubstr("the most GPU slots on one: 2"));
  EXPECT_EQ(One("SELECT count(*) FROM sweeps"), "0");
  NeedGpus(sweep, 2);
  EXPECT_THAT(Submit(sweep).warnings, IsEmpty());
  ASSERT_EQ(worker.Grants().size(), 1U);
  EXPECT_THAT(worker.Grants()[0].slots, ElementsAre(0, 1));
}

TEST_F(SubmissionTest, MemoryCountsToo) {
  spec::Sweep sweep = MakeSweep("demo", 0, 1);
  sweep.resources.memory_bytes = 1LL << 40;
  sweep.configurations[0].trial.resources.memory_bytes = 1LL << 40;
  const FakeWorker worker = Connect("w", 1);  // 8 GiB
  EXPECT_TRUE(absl::IsFailedPrecondition(service_->Submit(sweep).status()));
  Disconnect(worker);
  Submit(sweep);
  EXPECT_THAT(Connect("w", 1).Grants(), IsEmpty());
  Restart();  // and is remembered
  EXPECT_THAT(Connect("w", 1).Grants(), IsEmpty());
  Hello hello = MakeHello("x", CpuSlots(1));
  hello.slots[0].memory_bytes = 1LL << 41;
  EXPECT_EQ(Connect(hello).Grants().size(), 1U);
}

TEST_F(SubmissionTest, GpuTrialsWaitForGpus) {
  const FakeWorker cpu = Connect("c", 2);
  Disconnect(cpu);
  spec::Sweep sweep = MakeSweep("demo", 1, 1);
  NeedGpus(sweep, 1);
  Submit(sweep);
  EXPECT_THAT(Connect("c", 2).Grants(), IsEmpty());
  EXPECT_THAT(View("demo").waiting, ElementsAre("no connected worker has 1 GPU slot"));
  EXPECT_EQ(Connect(MakeHello("g", GpuSlots(1))).Grants().size(), 1U);
}

TEST_F(SubmissionTest, SweepsShareTheWorkers) {
  Submit(MakeSweep("first", 4, 4));
  Submit(MakeSweep("second", 0, 2));
  const FakeWorker worker = Connect("w", 4);
  std::map<std::string, int> grants;
  for (const Grant& grant : worker.Grants()) ++grants[View(grant.sweep_id).sweep.name];
  EXPECT_EQ(grants["first"], 2);
  EXPECT_EQ(grants["second"], 2);
}

TEST_F(SubmissionTest, CancelsASweep) {
  Submit(MakeSweep("demo", 1, 1));
  const FakeWorker worker = Connect("w", 1);
  const Grant grant = worker.Grants().at(0);
  const auto cancelled = service_->Cancel("demo", "");
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->trials, 2);
  EXPECT_EQ(cancelled->state, "cancelled");
  const auto revokes = worker.connection->All<Revoke>();
  ASSERT_EQ(revokes.size(), 1U);
  EXPECT_EQ(revokes[0].attempt_id, grant.attempt.id);
  EXPECT_TRUE(revokes[0].trial_over);
  EXPECT_EQ(AttemptState(grant), "cancelled");
  EXPECT_EQ(TrialOf(grant).token, 2);
  // A result on its way then comes too late; the slot frees, nothing is granted.
  ASSERT_TRUE(Send(worker, grant, 1, WholeRun()).ok());
  EXPECT_TRUE(worker.LastAck().superseded);
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
  Close(worker, grant);
  EXPECT_EQ(worker.Grants().size(), 1U);
  // Again: the same answer, nothing done, no token.
  Restart();
  const auto again = service_->Cancel("demo", "");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->trials, 0);
  EXPECT_EQ(again->state, "cancelled");
  EXPECT_EQ(TrialOf(grant).token, 2);
  EXPECT_THAT(Submit(MakeSweep("demo", 1, 1)).warnings, ElementsAre(HasSubstr("cancelled")));
}

TEST_F(SubmissionTest, CancelsATrial) {
  Submit(MakeSweep("demo", 0, 2));
  ASSERT_EQ(service_->Cancel("", "full seed=2")->trials, 1);
  const auto again = service_->Cancel("", "demo/full seed=2");
  EXPECT_EQ(again->trials, 0);
  EXPECT_EQ(again->state, "cancelled");
  const FakeWorker worker = Connect("w", 2);
  ASSERT_EQ(worker.Grants().size(), 1U);
  ASSERT_TRUE(Send(worker, worker.Grants()[0], 1, WholeRun()).ok());
  EXPECT_EQ(View("demo").sweep.state, core::SweepState::kFinished);
  EXPECT_EQ(View("demo").cancelled, 1);
  // What has ended stays as it is.
  EXPECT_EQ(service_->Cancel("", "full seed=1")->state, "succeeded");
  EXPECT_EQ(service_->Cancel("demo", "")->state, "finished");
  EXPECT_TRUE(absl::IsInvalidArgument(service_->Cancel("", "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(service_->Cancel("demo", "full seed=1").status()));
}

TEST_F(SubmissionTest, CancellingALostAttemptsTrialIssuesAToken) {
  Submit(MakeSweep("demo", 0, 1));
  const FakeWorker worker = Connect("w", 1);
  const Grant grant = worker.Grants().at(0);
  Pass(seconds(60));
  ASSERT_EQ(AttemptState(grant), "lost");
  Disconnect(worker);
  ASSERT_TRUE(service_->Cancel("", grant.attempt.trial_id).ok());
  EXPECT_EQ(AttemptState(grant), "cancelled");
  const FakeWorker back = Connect("w", 1, {{grant.attempt.id, grant.attempt.token, true, {0}, 0}});
  EXPECT_THAT(back.connection->All<Welcome>()[0].stop, ElementsAre(grant.attempt.id));
}

TEST_F(SubmissionTest, FindsByIdAndNameAndSuggestsTheNearest) {
  const Submitted demo = Submit(MakeSweep("demo", 1, 1));
  EXPECT_EQ(service_->GetSweep(demo.sweep_id)->sweep.name, "demo");
  EXPECT_THAT(Message(service_->GetSweep("dmeo").status()), HasSubstr("did you mean 'demo'"));
  EXPECT_TRUE(absl::IsNotFound(service_->GetSweep("zzzzzz").status()));
  EXPECT_EQ(service_->GetTrial("lora rank=1 seed=1")->configuration, "lora rank=1");
  EXPECT_EQ(service_->GetTrial("demo/full seed=1")->configuration, "full");
  EXPECT_THAT(Message(service_->GetTrial("demo/lora rank=1 seed=7").status()), HasSubstr("did you mean"));
  EXPECT_THAT(Message(service_->GetTrial("ful seed=1").status()), HasSubstr("did you mean 'full seed=1'"));
  Submit(MakeSweep("other", 0, 1));
  const Status ambiguous = service_->GetTrial("full seed=1").status();
  EXPECT_TRUE(absl::IsInvalidArgument(ambiguous)) << ambiguous;
  EXPECT_THAT(Message(ambiguous), HasSubstr("'demo/full seed=1'"));
  EXPECT_THAT(Message(ambiguous), HasSubstr("'other/full seed=1'"));
  EXPECT_EQ(service_->GetTrial("other/full seed=1")->configuration, "full");
  EXPECT_TRUE(absl::IsNotFound(service_->ListTrials("nothing like it").status()));
  EXPECT_TRUE(absl::IsNotFound(service_->Cancel("nothing like it", "").status()));
  EXPECT_TRUE(absl::IsNotFound(service_->Events("", "nothing like it", 0, 10).status()));
}

TEST_F(SubmissionTest, TellsTheStoryOfASweep) {
  Submit(MakeSweep("demo", 0, 1));
  const FakeWorker worker = Connect("w", 1);
  ASSERT_TRUE(Send(worker, worker.Grants()[0], 1, WholeRun()).ok());
  const auto kinds = [&](const std::string& sweep, const std::string& trial, std::int64_t after) {
    std::string text;
    const auto events = service_->Events(sweep, trial, after, 100);
    EXPECT_TRUE(events.ok()) << events.status();
    if (!events.ok()) return text;
    for (const core::HistoryEvent& event : *events) text += event.kind + " ";
    return text;
  };
  EXPECT_EQ(kinds("demo", "", 0), "submitted granted started succeeded finished ");
  EXPECT_EQ(kinds("", "full seed=1", 0), "granted started succeeded ");
  EXPECT_EQ(kinds("", "", 0), "submitted connected granted started succeeded finished ");
  const auto two = service_->Events("demo", "", 0, 2);
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(kinds("demo", "", two->back().id), "started succeeded finished ");
}

TEST_F(SubmissionTest, EstimatesFromWhatTrialsTook) {
  Submit(MakeSweep("demo", 1, 2));
  const FakeWorker worker = Connect("w", 1);
  EXPECT_FALSE(View("demo").eta_seconds.has_value());
  const Grant grant = worker.Grants()[0];
  Pass(seconds(40));
  ASSERT_TRUE(Send(worker, grant, 1, WholeRun()).ok());
  Close(worker, grant);
  Pass(seconds(10));
  // Three trials of 40 s on one slot, one of them 10 s old.
  ASSERT_TRUE(View("demo").eta_seconds.has_value());
  EXPECT_NEAR(*View("demo").eta_seconds, 110, 1e-6);
  Connect("x", 1);
  EXPECT_NEAR(*View("demo").eta_seconds, 55, 1e-6);
  EXPECT_NEAR(View("demo").elapsed_seconds, 50, 1e-6);
}

TEST_F(SubmissionTest, EstimatesNothingFromWhatWentOnFromACheckpoint) {
  Submit(MakeSweep("demo", 1, 2));
  const FakeWorker worker = Connect("w", 1);
  const Grant grant = worker.Grants()[0];
  Pass(seconds(40));
  ASSERT_TRUE(Send(worker, grant, 1, {MakeStarted(), Returned{4, true, "the worker drains"}}).ok());
  Close(worker, grant);
  const Grant again = worker.Grants().back();
  ASSERT_EQ(again.attempt.number, 2);
  Pass(seconds(1));
  ASSERT_TRUE(Send(worker, again, 1, WholeRun()).ok());
  EXPECT_FALSE(View("demo").eta_seconds.has_value()) << "a second is not what a trial takes";
}

TEST_F(SubmissionTest, ListsTrialsAndWorkers) {
  Submit(MakeSweep("demo", 1, 1));
  const FakeWorker worker = Connect("w", 1);
  ASSERT_TRUE(Send(worker, worker.Grants()[0], 1, WholeRun()).ok());
  Close(worker, worker.Grants()[0]);
  std::vector<WorkerView> workers = service_->ListWorkers();
  ASSERT_EQ(workers.size(), 1U);
  EXPECT_THAT(workers[0].trials, ElementsAre("lora rank=1 seed=1"));
  EXPECT_EQ(workers[0].slots_busy, 1);
  Restart();
  const auto trials = service_->ListTrials("demo");
  ASSERT_TRUE(trials.ok());
  ASSERT_EQ(trials->size(), 2U);
  EXPECT_EQ((*trials)[0].trial.name, "full seed=1");
  EXPECT_EQ((*trials)[0].worker_hostname, "host-w");  // also of what ended before the restart
  EXPECT_EQ((*trials)[0].device, "cpu");
  EXPECT_EQ(service_->GetTrial("demo/full seed=1")->attempts.size(), 1U);
  EXPECT_EQ(service_->ListWorkers()[0].worker.state, "disconnected");
  EXPECT_EQ(service_->ListSweeps().size(), 1U);
}

}  // namespace
}  // namespace lorikeet::service
