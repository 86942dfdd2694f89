// Hosts whose files are not the sweep's get none of its trials, and none of its trials pays for that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kOurs(64, 'a'), kOther(64, 'b');

class FilesTest : public ServiceTest {
 protected:
  static Fingerprints Found(const std::string& model, const std::string& data = kOurs) {
    return {{{"model", model}, {"/data/train.jsonl", data}}};
  }
  FakeWorker ConnectStart(const std::string& id, const std::string& process, std::int64_t slots = 1) {
    Hello hello = MakeHello(id, CpuSlots(slots));
    hello.origin = {.start = ++start_, .process = process, .connection = 1};
    return Connect(hello);
  }
  WorkerView Worker(const std::string& id) {
    for (const WorkerView& view : service_->ListWorkers()) {
      if (view.worker.id == id) return view;
    }
    return {};
  }
  // The sweep's files are those of `good`; `bad` has been found to have another model, and has left its slot.
  void FindOut() {
    Submit(MakeSweep("demo", 3, 2));
    good_ = ConnectStart("good", "p-good");
    ASSERT_TRUE(Send(good_, good_.Grants().at(0), 1, {Found(kOurs)}).ok());
    bad_ = ConnectStart("bad", "p-bad");
    grant_ = bad_.Grants().at(0);
    ASSERT_TRUE(Send(bad_, grant_, 1, {Found(kOther)}).ok());
    Close(bad_, grant_);
  }

  std::int64_t start_ = 0;
  FakeWorker good_, bad_;
  Grant grant_;
};

TEST_F(FilesTest, TheFirstThatSaysItSaysItForTheSweep) {
  Submit(MakeSweep("demo", 1, 2));
  const FakeWorker worker = ConnectStart("w", "p-1", 2);
  ASSERT_THAT(worker.Grants(), SizeIs(2));
  EXPECT_THAT(worker.Grants()[0].fingerprints, IsEmpty());
  ASSERT_TRUE(Send(worker, worker.Grants()[0], 1, {Found(kOurs), MakeStarted()}).ok());
  EXPECT_EQ(StateOf(worker.Grants()[0]), "running");
  EXPECT_EQ(One("SELECT group_concat(name || '=' || substr(fingerprint, 1, 3) || '@' || worker_id) FROM "
                "sweep_files"),
            "/data/train.jsonl=aaa@w,model=aaa@w");
  const SweepView view = View("demo");
  ASSERT_THAT(view.files, SizeIs(2));
  EXPECT_EQ(view.files[1].name, "model");
  EXPECT_EQ(view.files[1].worker_id, "host-w");
  ASSERT_TRUE(Send(worker, worker.Grants()[1], 1, {Found(kOurs)}).ok());
  EXPECT_EQ(StateOf(worker.Grants()[1]), "running");

  // The next grants carry it, after a restart too.
  const FakeWorker second = ConnectStart("x", "p-2");
  ASSERT_THAT(second.Grants().at(0).fingerprints, SizeIs(2));
  EXPECT_EQ(second.Grants()[0].fingerprints[1].name, "model");
  EXPECT_EQ(second.Grants()[0].fingerprints[1].value, kOurs);
  Restart();
  EXPECT_EQ(ConnectStart("y", "p-3").Grants().at(0).fingerprints[1].value, kOurs);
}

TEST_F(FilesTest, AHostWithOthersGetsNothingOfTheSweepAndSaysSo) {
  FindOut();
  EXPECT_EQ(AttemptState(grant_), "returned");
  EXPECT_EQ(StateOf(grant_), "pending");
  EXPECT_EQ(TrialOf(grant_).failures, 0);
  EXPECT_EQ(TrialOf(grant_).interruptions, 0) << "nobody pays";
  EXPECT_EQ(bad_.LastAck().sequence, 0);
  EXPECT_TRUE(bad_.LastAck().superseded);
  const auto revokes = bad_.connection->All<Revoke>();
  ASSERT_THAT(revokes, SizeIs(1)) << "whatever it may have started";
  EXPECT_FALSE(revokes[0].checkpoint);
  EXPECT_FALSE(revokes[0].trial_over);
  Pass(seconds(300));
  EXPECT_THAT(bad_.Grants(), SizeIs(1));

  const char* const why = "model: bbbbbbbbbbbb…, where host-good has aaaaaaaaaaaa…";
  EXPECT_THAT(Worker("bad").barred, ElementsAre("sweep 'demo': " + std::string(why)));
  EXPECT_THAT(Worker("good").barred, IsEmpty());
  EXPECT_EQ(Worker("bad").worker.state, "connected");
  EXPECT_THAT(View("demo").barred, ElementsAre("host-bad: " + std::string(why)));
  EXPECT_EQ(WaitingOf(grant_.attempt.trial_id),
            "the only slot is busy; these workers' files are not the sweep's: host-bad: " + std::string(why));
  Disconnect(good_);
  EXPECT_THAT(WaitingOf(grant_.attempt.trial_id), StartsWith("no worker that takes work may have it; "));
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'barred' AND worker_id = 'bad'"), "1");

  // Of another sweep it may have everything.
  Submit(MakeSweep("another", 0, 1));
  EXPECT_THAT(bad_.Grants(), SizeIs(2));
}

TEST_F(FilesTest, ItIsRememberedThroughARestartOfTheCoordinatorAndOfTheConnection) {
  FindOut();
  Restart();
  EXPECT_THAT(ConnectStart("bad", "p-bad").Grants(), IsEmpty()) << "the same process";
  Hello old = MakeHello("bad", CpuSlots(1));  // one that does not say which start it is of
  EXPECT_THAT(Connect(old).Grants(), IsEmpty());
}

TEST_F(FilesTest, ANewStartOfTheWorkerTriesAgain) {
  FindOut();
  const FakeWorker again = ConnectStart("bad", "p-new");
  ASSERT_THAT(again.Grants(), SizeIs(1));
  EXPECT_EQ(One("SELECT count(*) FROM barred_workers"), "0");
  ASSERT_TRUE(Send(again, again.Grants()[0], 1, {Found(kOurs), MakeStarted()}).ok());
  EXPECT_EQ(StateOf(again.Grants()[0]), "running");
  EXPECT_THAT(Worker("bad").barred, IsEmpty());
}

TEST_F(FilesTest, APersonMayReadmitIt) {
  FindOut();
  EXPECT_TRUE(service_->Readmit("bad")->changed);
  EXPECT_FALSE(service_->Readmit("bad")->changed);
  EXPECT_THAT(bad_.Grants(), SizeIs(2));
  // Nothing has been mended: out again.
  ASSERT_TRUE(Send(bad_, bad_.Grants()[1], 1, {Found(kOther)}).ok());
  Close(bad_, bad_.Grants()[1]);
  EXPECT_THAT(bad_.Grants(), SizeIs(2));
  Restart();
  EXPECT_THAT(Worker("bad").barred, SizeIs(1));
}

TEST_F(FilesTest, WhatComesAfterTheDifferenceDoesNotCount) {
  Submit(MakeSweep("demo", 1, 1));
  const FakeWorker good = ConnectStart("good", "p-1");
  ASSERT_TRUE(Send(good, good.Grants().at(0), 1, {Found(kOurs)}).ok());
  const FakeWorker bad = ConnectStart("bad", "p-2");
  const Grant grant = bad.Grants().at(0);
  std::vector<Event> events = WholeRun();
  events.insert(events.begin(), Found(kOther));
  ASSERT_TRUE(Send(bad, grant, 1, events).ok());
  EXPECT_EQ(StateOf(grant), "pending");
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM staged_predictions"), "0");
}

TEST_F(FilesTest, AWorkerThatComparesNothingIsFoundOutByWhatItsTrainerSays) {
  FindOut();
  const FakeWorker old = Connect("old", 1);
  Started started = MakeStarted();
  started.model_fingerprint = kOther;
  ASSERT_TRUE(Send(old, old.Grants().at(0), 1, {started}).ok());
  EXPECT_EQ(AttemptState(old.Grants()[0]), "returned");
  EXPECT_THAT(View("demo").barred, SizeIs(2));
  // Or only by its result.
  const FakeWorker older = Connect("older", 1);
  std::vector<Event> events = WholeRun();
  std::get<core::Result>(events.back()).model_fingerprint = kOther;
  ASSERT_TRUE(Send(older, older.Grants().at(0), 1, events).ok());
  EXPECT_EQ(AttemptState(older.Grants()[0]), "returned");
  EXPECT_TRUE(older.LastAck().superseded) << "else it would think that its result is kept";
  ASSERT_TRUE(Send(older, older.Grants()[0], 1, events).ok());  // the answer was lost
  EXPECT_TRUE(older.LastAck().superseded);
  EXPECT_EQ(older.Acks(), 2U);
  EXPECT_EQ(StateOf(older.Grants()[0]), "pending");
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM staged_predictions"), "0");
}

TEST_F(FilesTest, DocumentsAreComparedAsTheyWereRead) {
  Submit(MakeSweep("demo", 1, 2));
  const FakeWorker one = Connect("one", 1), two = Connect("two", 1);
  std::vector<Event> events = WholeRun();
  std::get<core::Result>(events.back()).data_fingerprint = kOurs;
  ASSERT_TRUE(Send(one, one.Grants().at(0), 1, events).ok());
  EXPECT_EQ(StateOf(one.Grants()[0]), "succeeded");
  Started started = MakeStarted();
  started.data_fingerprint = kOther;
  ASSERT_TRUE(Send(two, two.Grants().at(0), 1, {started}).ok());
  EXPECT_THAT(View("demo").barred.at(0), StartsWith("host-two: documents: bbb"));
}

TEST_F(FilesTest, AFileThatIsMissingIsAnotherWhereItIsKnownWhatItShouldBe) {
  Submit(MakeSweep("demo", 1, 2));
  const FakeWorker first = ConnectStart("first", "p-1"), second = ConnectStart("second", "p-2");
  const Fingerprints none{{{"model", "", "/models/tiny: no such folder"}}};
  ASSERT_TRUE(Send(first, first.Grants().at(0), 1, {none}).ok());
  EXPECT_EQ(StateOf(first.Grants()[0]), "running") << "its trainer will say what it misses";
  EXPECT_EQ(One("SELECT count(*) FROM sweep_files"), "0");
  ASSERT_TRUE(Send(second, second.Grants().at(0), 1, {Found(kOurs)}).ok());
  ASSERT_TRUE(Send(first, first.Grants()[0], 2, {none}).ok());
  EXPECT_EQ(StateOf(first.Grants()[0]), "pending");
  EXPECT_THAT(View("demo").barred.at(0),
              HasSubstr("model: /models/tiny: no such folder, where host-second has aaa"));
}

TEST_F(FilesTest, ASweepWithoutAResultThatIsRetriedAsksAnew) {
  FindOut();
  ASSERT_TRUE(service_->Cancel("demo", "").ok());
  ASSERT_TRUE(service_->Retry("demo").ok());
  EXPECT_THAT(View("demo").files, IsEmpty());
  EXPECT_EQ(One("SELECT count(*) FROM sweep_files"), "0");
  ASSERT_THAT(bad_.Grants(), SizeIs(2)) << "it was right";
  ASSERT_TRUE(Send(bad_, bad_.Grants()[1], 1, {Found(kOther)}).ok());
  EXPECT_EQ(StateOf(bad_.Grants()[1]), "running");
  EXPECT_EQ(View("demo").files.at(1).value, kOther);
}

TEST_F(FilesTest, OneWithAResultKeepsWhatItIsOf) {
  FindOut();
  std::vector<Event> events = WholeRun();
  std::get<core::Result>(events.back()).model_fingerprint = kOurs;
  ASSERT_TRUE(Send(good_, good_.Grants()[0], 2, events).ok());
  ASSERT_TRUE(service_->Cancel("demo", "").ok());
  ASSERT_TRUE(service_->Retry("demo").ok());
  EXPECT_THAT(View("demo").files, Not(IsEmpty()));
  EXPECT_THAT(bad_.Grants(), SizeIs(1));
}

// ---- slots that their worker does not offer

class SlotsTest : public ServiceTest {
 protected:
  static std::vector<core::Slot> Gpus(const std::string& why) {
    std::vector<core::Slot> slots = GpuSlots(2);
    slots[0].quarantine = why;
    return slots;
  }
};

TEST_F(SlotsTest, NothingIsGrantedOnThemUntilTheyAreOffered) {
  spec::Sweep sweep = MakeSweep("demo", 3, 1);
  NeedGpus(sweep, 1);
  const FakeWorker worker = Connect(MakeHello("w", Gpus("70 GiB are in use")));
  Submit(sweep);
  ASSERT_THAT(worker.Grants(), SizeIs(1));
  EXPECT_THAT(worker.Grants()[0].slots, ElementsAre(1));
  EXPECT_EQ(service_->ListWorkers().at(0).worker.slots.at(0).quarantine, "70 GiB are in use");
  ASSERT_TRUE(service_->HandleSlots(worker.session, Gpus("")).ok());
  ASSERT_THAT(worker.Grants(), SizeIs(2));
  EXPECT_THAT(worker.Grants()[1].slots, ElementsAre(0));

  // Said before the slot is free, so that there is no moment in which it could be granted.
  ASSERT_TRUE(service_->HandleSlots(worker.session, Gpus("still in use")).ok());
  Succeed(worker, worker.Grants()[1]);
  EXPECT_THAT(worker.Grants(), SizeIs(2));
  EXPECT_EQ(One("SELECT group_concat(kind || ' ' || message, ' / ') FROM events WHERE kind LIKE 'slot%'"),
            "slot_offered slot 0 (cuda:0) / slot_quarantined slot 0 (cuda:0): still in use");
  Restart();
  EXPECT_EQ(service_->ListWorkers().at(0).worker.slots.at(0).quarantine, "still in use");
}

TEST_F(SlotsTest, WhereNoOtherIsThereThatIsWhyTrialsWait) {
  spec::Sweep sweep = MakeSweep("demo", 0, 1);
  NeedGpus(sweep, 2);
  const FakeWorker worker = Connect(MakeHello("w", Gpus("in use")));
  Submit(sweep);  // it could hold it
  EXPECT_THAT(worker.Grants(), IsEmpty());
  EXPECT_EQ(WaitingOf("full seed=1"), "every worker that has 2 GPU slots on one worker is quarantined");
  ASSERT_TRUE(service_->HandleSlots(worker.session, Gpus("")).ok());
  EXPECT_THAT(worker.Grants(), SizeIs(1));
}

TEST_F(SlotsTest, OthersThanItsHelloSaidAreRefused) {
  const FakeWorker worker = Connect(MakeHello("w", GpuSlots(2)));
  EXPECT_TRUE(absl::IsFailedPrecondition(service_->HandleSlots(worker.session, GpuSlots(3))));
  std::vector<core::Slot> twice = GpuSlots(2);
  twice[1].index = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(service_->HandleSlots(worker.session, twice)));
  EXPECT_TRUE(service_->HandleSlots(worker.session + 7, GpuSlots(1)).ok()) << "nobody's: passed over";
}

}  // namespace
}  // namespace lorikeet::service
