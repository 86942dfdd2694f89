#include <cmath>

#include "tests/coordinator/store/describe.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::store {
namespace {

using ::testing::HasSubstr;

TEST_F(StoreTest, SnapshotGivesBackWhatWasWritten) {
  core::Sweep sweep = MakeSweep("s-1", "demo");
  core::Configuration configuration = MakeConfiguration("s-1", 0, "lora rank=8 targets=[q, v]", "lora");
  configuration.axes = {{"rank", "8"}, {"targets", "[q, v]"}, {"alpha", "0.50"}};
  configuration.settings = {{"z", "1"}, {"a", "\"quoted\" \\ é"}};
  configuration.baseline = true;
  core::Trial trial = MakeTrial("t-1", "s-1", 0, 7, -3);
  trial.slots = 2;
  trial.needs_gpu = true;
  core::Attempt attempt = MakeAttempt("a-1", "t-1", 2, "w-1");
  attempt.started_at = At(5);
  attempt.device = "cpu";
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                RETURN_IF_ERROR(t.InsertSweep(sweep));
                ASSIGN_OR_RETURN(configuration.id, t.InsertConfiguration(configuration));
                trial.configuration_id = configuration.id;
                RETURN_IF_ERROR(t.InsertTrial(trial));
                RETURN_IF_ERROR(t.UpsertWorker(MakeWorker("w-1")));
                return t.InsertAttempt(attempt);
              }).ok());
  Reopen();
  const auto snapshot = store_->Load();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(Describe(*snapshot), Describe(sweep) + Describe(configuration) + Describe(trial) +
                                     Describe(attempt) + Describe(MakeWorker("w-1")));
  EXPECT_EQ(*store_->TrialSettings("t-1"), R"({"configuration":"lora rank=8 targets=[q, v]","seed":-3})");
  EXPECT_EQ(One("SELECT build FROM sweeps"), "0.1.0 (test)");
}

TEST_F(StoreTest, FilesAndBarsComeBack) {
  Fill();
  const core::SweepFile model{"s-1", "model", "aa", "w-1", At(5)},
      data{"s-1", "/data/train", "bb", "w-1", At(6)};
  core::Bar bar{"w-1", "s-1", "p-1", "model: it differs", At(7)};
  const auto loaded = [&] {
    Reopen();
    std::string text;
    const auto snapshot = store_->Load();
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    for (const auto& file : snapshot->files) text += Describe(file);
    for (const auto& one : snapshot->bars) text += Describe(one);
    return text;
  };
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                RETURN_IF_ERROR(t.InsertSweepFile(model));
                RETURN_IF_ERROR(t.InsertSweepFile(data));
                return t.PutBar(bar);
              }).ok());
  EXPECT_EQ(loaded(), Describe(data) + Describe(model) + Describe(bar));
  EXPECT_TRUE(absl::IsAlreadyExists(Write([&](Transaction& t) { return t.InsertSweepFile(model); })));
  bar.process = "p-2";
  ASSERT_TRUE(Write([&](Transaction& t) { return t.PutBar(bar); }).ok());
  EXPECT_EQ(loaded(), Describe(data) + Describe(model) + Describe(bar));
  ASSERT_TRUE(Write([&](Transaction& t) { return t.RemoveBar("w-1", "s-1"); }).ok());
  ASSERT_TRUE(Write([&](Transaction& t) { return t.RemoveBar("w-1", "s-1"); }).ok()) << "there is none";
  EXPECT_EQ(loaded(), Describe(data) + Describe(model));
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                RETURN_IF_ERROR(t.PutBar(bar));
                return t.ForgetFiles("s-1");
              }).ok());
  EXPECT_EQ(loaded(), "");
}

TEST_F(StoreTest, UpdatesReachTheFile) {
  Fill();
  core::Sweep sweep = MakeSweep("s-1", "demo");
  sweep.state = core::SweepState::kFinished;
  sweep.finished_at = At(99);
  sweep.priority = 9;
  core::Trial trial = MakeTrial("t-1", "s-1", full_, 0, 1);
  trial.state = core::TrialState::kRunning;
  trial.token = 5;
  trial.failures = 2;
  trial.not_before = At(1234);
  trial.last_worker_id = "w-1";
  trial.failure_kind = "oom";
  trial.failure_message = "no memory";
  core::Attempt attempt = MakeAttempt("a-1", "t-1", 1, "w-1");
  attempt.state = core::AttemptState::kLost;
  attempt.started_at = At(3);
  attempt.ended_at = At(4);
  attempt.device = "cuda:0";
  attempt.device_model = "H100";
  attempt.build = "0.1.0 (x)";
  attempt.threads = 4;
  attempt.micro_batch_size = 2;
  attempt.failure_kind = "crashed";
  attempt.failure_message = "signal 9";
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                RETURN_IF_ERROR(t.UpdateSweep(sweep));
                RETURN_IF_ERROR(t.UpdateTrial(trial));
                return t.UpdateAttempt(attempt);
              }).ok());
  Reopen();
  const auto snapshot = store_->Load();
  ASSERT_TRUE(snapshot.ok());
  EXPECT_EQ(Describe(snapshot->sweeps[0]), Describe(sweep));
  EXPECT_EQ(Describe(snapshot->trials[0]), Describe(trial));
  EXPECT_EQ(Describe(snapshot->attempts.at(0)), Describe(attempt));
}

TEST_F(StoreTest, UpdatesOfNothingAreNotFound) {
  Fill();
  EXPECT_TRUE(absl::IsNotFound(Write([](Transaction& t) { return t.UpdateSweep(MakeSweep("s-9", "x")); })));
  EXPECT_TRUE(absl::IsNotFound(
      Write([](Transaction& t) { return t.UpdateTrial(MakeTrial("t-9", "s-1", 1, 0, 0)); })));
  const Status status =
      Write([](Transaction& t) { return t.UpdateAttempt(MakeAttempt("a-9", "t-1", 1, "w-1")); });
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(Message(status), HasSubstr("a-9"));
  EXPECT_TRUE(absl::IsNotFound(store_->TrialSettings("t-9").status()));
}

TEST_F(StoreTest, ReferencesToNothingAndDoublesAreRefused) {
  Fill();
  EXPECT_TRUE(
      absl::IsAlreadyExists(Write([](Transaction& t) { return t.InsertSweep(MakeSweep("s-2", "demo")); })));
  EXPECT_TRUE(absl::IsNotFound(
      Write([](Transaction& t) { return t.InsertTrial(MakeTrial("t-9", "s-none", 1, 0, 0)); })));
  EXPECT_TRUE(absl::IsNotFound(
      Write([](Transaction& t) { return t.InsertAttempt(MakeAttempt("a-9", "t-none", 1, "w-1")); })));
  // One attempt a token: the fence cannot be issued twice.
  EXPECT_TRUE(absl::IsAlreadyExists(Write([](Transaction& t) {
    core::Attempt attempt = MakeAttempt("a-2", "t-1", 2, "w-1");
    attempt.token = 1;
    return t.InsertAttempt(attempt);
  })));
}

TEST_F(StoreTest, AFailedWriteLeavesNothing) {
  Fill();
  const std::string before = Describe(*store_->Load());
  const Status status = Write([](Transaction& t) -> Status {
    RETURN_IF_ERROR(t.InsertSweep(MakeSweep("s-2", "other")));
    RETURN_IF_ERROR(t.AdvanceSequence("a-1", 10));
    return Aborted("stale");
  });
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(Describe(*store_->Load()), before);
  EXPECT_EQ(CodeOf(Write([](Transaction& t) -> Status {
              RETURN_IF_ERROR(t.InsertSweep(MakeSweep("s-2", "other")));
              throw std::runtime_error("boom");
            })),
            "INTERNAL");
  EXPECT_EQ(Describe(*store_->Load()), before);
  // And the next one works.
  EXPECT_TRUE(Write([](Transaction& t) { return t.InsertSweep(MakeSweep("s-2", "other")); }).ok());
}

TEST_F(StoreTest, AWriteInsideAWriteIsRefused) {
  Status inner;
  EXPECT_TRUE(Write([&](Transaction&) {
                inner = Write([](Transaction&) { return absl::OkStatus(); });
                return absl::OkStatus();
              }).ok());
  EXPECT_FALSE(inner.ok());
}

TEST_F(StoreTest, TheFenceIsReadInsideTheTransaction) {
  Fill();
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                EXPECT_EQ(*t.NewestToken("t-1"), 0);
                core::Trial trial = MakeTrial("t-1", "s-1", full_, 0, 1);
                trial.token = 7;
                RETURN_IF_ERROR(t.UpdateTrial(trial));
                EXPECT_EQ(*t.NewestToken("t-1"), 7);
                EXPECT_EQ(*t.CommittedSequence("a-1"), 0);
                RETURN_IF_ERROR(t.AdvanceSequence("a-1", 5));
                EXPECT_EQ(*t.CommittedSequence("a-1"), 5);
                EXPECT_TRUE(absl::IsNotFound(t.NewestToken("t-9").status()));
                EXPECT_TRUE(absl::IsNotFound(t.CommittedSequence("a-9").status()));
                return absl::OkStatus();
              }).ok());
}

TEST_F(StoreTest, TheSequenceNeverFalls) {
  Fill();
  ASSERT_TRUE(Write([](Transaction& t) { return t.AdvanceSequence("a-1", 5); }).ok());
  ASSERT_TRUE(Write([](Transaction& t) { return t.AdvanceSequence("a-1", 5); }).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Write([](Transaction& t) { return t.AdvanceSequence("a-1", 4); })));
  // Not by an update with a copy from before either.
  ASSERT_TRUE(
      Write([](Transaction& t) { return t.UpdateAttempt(MakeAttempt("a-1", "t-1", 1, "w-1")); }).ok());
  EXPECT_EQ(One("SELECT sequence FROM attempts"), "5");
  EXPECT_TRUE(absl::IsNotFound(Write([](Transaction& t) { return t.AdvanceSequence("a-9", 1); })));
}

TEST_F(StoreTest, WorkersAreReplacedButFirstSeenOnce) {
  Fill();
  core::Worker worker = MakeWorker("w-1");
  worker.session = 4;
  worker.state = "draining";
  worker.slots.push_back(
      {.index = 1, .kind = "cuda", .device = "cuda:0", .device_model = "", .memory_bytes = 0, .threads = 0});
  worker.first_seen_at = At(500);
  worker.last_seen_at = At(501);
  ASSERT_TRUE(Write([&](Transaction& t) { return t.UpsertWorker(worker); }).ok());
  worker.first_seen_at = At(1);
  EXPECT_EQ(Describe(store_->Load()->workers.at(0)), Describe(worker));
}

TEST_F(StoreTest, OnlyLiveAttemptsAreInTheSnapshot) {
  Fill();
  using core::AttemptState;
  const AttemptState states[] = {AttemptState::kGranted,    AttemptState::kRunning,  AttemptState::kLost,
                                 AttemptState::kSucceeded,  AttemptState::kFailed,   AttemptState::kReturned,
                                 AttemptState::kSuperseded, AttemptState::kCancelled};
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                std::int64_t number = 1;
                for (const AttemptState state : states) {
                  core::Attempt attempt = MakeAttempt("b-" + std::to_string(number), "t-2", number, "w-1");
                  attempt.state = state;
                  ++number;
                  RETURN_IF_ERROR(t.InsertAttempt(attempt));
                }
                return absl::OkStatus();
              }).ok());
  std::vector<std::string> live;
  const auto snapshot = store_->Load();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  for (const auto& attempt : snapshot->attempts) live.push_back(attempt.id);
  EXPECT_EQ(live, (std::vector<std::string>{"a-1", "b-1", "b-2", "b-3"}));
  const auto all = store_->Attempts("t-2");
  ASSERT_EQ(all->size(), 8u);
  EXPECT_EQ(all->at(7).state, AttemptState::kCancelled);
  EXPECT_TRUE(store_->Attempts("t-9")->empty());
}

TEST_F(StoreTest, EventsByIdBySweepAndByTrial) {
  Fill();
  ASSERT_TRUE(Write([](Transaction& t) -> Status {
                for (int i = 0; i < 6; ++i) {
                  core::HistoryEvent event{.id = 0,
                                           .time = At(i),
                                           .sweep_id = i % 2 ? "s-1" : "s-2",
                                           .trial_id = "",
                                           .attempt_id = "",
                                           .worker_id = "",
                                           .kind = "log",
                                           .message = ""};
                  if (i == 3) event.trial_id = "t-1";
                  event.message = "line " + std::to_string(i);
                  RETURN_IF_ERROR(t.InsertEvent(event));
                }
                return absl::OkStatus();
              }).ok());
  const auto messages = [&](const std::string& sweep, const std::string& trial, std::int64_t after,
                            std::int64_t most) {
    std::string text;
    const auto events = store_->Events(sweep, trial, after, most);
    for (const auto& event : *events) text += event.message.back();
    return text;
  };
  EXPECT_EQ(messages("", "", 0, 100), "012345");
  EXPECT_EQ(messages("", "", 2, 3), "234");
  EXPECT_EQ(messages("s-1", "", 0, 100), "135");
  EXPECT_EQ(messages("s-1", "t-1", 0, 100), "3");
  EXPECT_EQ(messages("s-2", "t-1", 0, 100), "");
  EXPECT_EQ(messages("", "t-1", 4, 100), "");
  EXPECT_EQ(Describe(store_->Events("", "t-1", 0, 1)->at(0)),
            "event 4 2026-03-01T12:00:00.003Z s-1 t-1   log line 3\n");
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE trial_id IS NULL"), "5");
}

TEST_F(StoreTest, MetricsReplaceAndKeepNanAsNull) {
  Fill();
  ASSERT_TRUE(Write([](Transaction& t) -> Status {
                RETURN_IF_ERROR(t.InsertMetric("a-1", {1, "train_loss", 2.5}));
                RETURN_IF_ERROR(t.InsertMetric("a-1", {1, "train_loss", 1.5}));
                RETURN_IF_ERROR(t.InsertMetric("a-1", {2, "train_loss", std::nan("")}));
                EXPECT_TRUE(absl::IsNotFound(t.InsertMetric("a-9", {1, "train_loss", 1})));
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(Query(store_->path(), "SELECT attempt_id, step, name, value FROM metrics ORDER BY step"),
            (std::vector<std::vector<std::string>>{{"a-1", "1", "train_loss", "1.5"},
                                                   {"a-1", "2", "train_loss", "NULL"}}));
}

TEST_F(StoreTest, DocumentsOnceOnly) {
  Fill();
  core::Document document{.split = "test", .id = "d1", .article = "first", .reference = "r", .position = 4};
  EXPECT_EQ(*store_->DocumentCount("s-1"), 0);
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                RETURN_IF_ERROR(t.InsertDocument("s-1", document));
                document.article = "second";
                RETURN_IF_ERROR(t.InsertDocument("s-1", document));
                document.split = "validation";
                return t.InsertDocument("s-1", document);
              }).ok());
  EXPECT_EQ(*store_->DocumentCount("s-1"), 2);
  EXPECT_EQ(One("SELECT article FROM documents WHERE split = 'test'"), "first");
  document.split = "train";  // only what is scored
  EXPECT_TRUE(
      absl::IsInvalidArgument(Write([&](Transaction& t) { return t.InsertDocument("s-1", document); })));
}

TEST_F(StoreTest, AReaderSeesOneStateWhileTheWriterGoesOn) {
  Fill();
  SQLite::Database reader(store_->path(), SQLite::OPEN_READONLY);
  reader.exec("BEGIN");
  EXPECT_EQ(reader.execAndGet("SELECT count(*) FROM sweeps").getInt(), 1);
  ASSERT_TRUE(Write([](Transaction& t) { return t.InsertSweep(MakeSweep("s-2", "other")); }).ok());
  EXPECT_EQ(reader.execAndGet("SELECT count(*) FROM sweeps").getInt(), 1);
  reader.exec("COMMIT");
  EXPECT_EQ(reader.execAndGet("SELECT count(*) FROM sweeps").getInt(), 2);
}

}  // namespace
}  // namespace lorikeet::store
