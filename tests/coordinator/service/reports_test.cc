#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::HasSubstr;

class ReportsTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    Submit(MakeSweep("demo", 0, 2));
    worker_ = Connect("w", 1);
    ASSERT_EQ(worker_.Grants().size(), 1U);
    grant_ = worker_.Grants()[0];
  }
  FakeWorker worker_;
  Grant grant_;
};

TEST_F(ReportsTest, AGrantCarriesTheTrial) {
  EXPECT_EQ(grant_.trial_name, "full seed=1");
  EXPECT_EQ(grant_.attempt.token, 1);
  EXPECT_EQ(grant_.attempt.number, 1);
  EXPECT_EQ(grant_.slots, std::vector<std::int64_t>{0});
  const auto trial = TrialFromJson(grant_.trial_json);
  ASSERT_TRUE(trial.ok()) << trial.status();
  EXPECT_EQ(trial->seed, 1);
  EXPECT_EQ(AttemptState(grant_), "granted");
  EXPECT_EQ(StateOf(grant_), "running");
}

TEST_F(ReportsTest, AWholeRunIsCommittedAndAcknowledged) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), core::Metric{1, "train_loss", 2.5}}).ok());
  EXPECT_EQ(worker_.LastAck().sequence, 2);
  EXPECT_EQ(AttemptState(grant_), "running");
  EXPECT_EQ(One("SELECT device_model FROM attempts"), "CPU one");
  ASSERT_TRUE(Send(worker_, grant_, 3,
                   {Log{"warning", "three empty documents"}, CheckpointSaved{5},
                    store::MakePrediction("test", "d1", 0.4), MakeScores(1)})
                  .ok());
  EXPECT_EQ(worker_.LastAck().sequence, 6);
  EXPECT_FALSE(worker_.LastAck().superseded);
  EXPECT_EQ(AttemptState(grant_), "succeeded");
  EXPECT_EQ(StateOf(grant_), "succeeded");
  EXPECT_EQ(One("SELECT count(*) FROM results"), "1");
  EXPECT_EQ(One("SELECT count(*) FROM predictions"), "1");
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'log'"), "warning: three empty documents");
  EXPECT_EQ(TrialOf(grant_).last_worker_id, "w");
}

TEST_F(ReportsTest, MemoryThatRanOutIsAnEventOfItsOwn) {
  ASSERT_TRUE(Send(worker_, grant_, 1,
                   {MakeStarted(), OutOfMemory{"training", 7, 2, 4, "3 GiB asked for"},
                    OutOfMemory{"generating", 9, 1, 16, "again"}})
                  .ok());
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'out_of_memory' ORDER BY id LIMIT 1"),
            "training, step 7: goes on with micro-batches of 2, 4 a batch (3 GiB asked for)");
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'out_of_memory' AND attempt_id IS NOT NULL"), "2");
  // What it trains with, not what it generates with.
  EXPECT_EQ(One("SELECT micro_batch_size FROM attempts"), "2");
  EXPECT_EQ(AttemptState(grant_), "running");
  EXPECT_EQ(TrialOf(grant_).failures, 0);
}

// As after an outage, when all of it waits.
TEST_F(ReportsTest, AResultOfOneBatchWithItsStartSaysWhichBuildItIsOf) {
  ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
  EXPECT_EQ(One("SELECT build FROM results"), "0.1.0 (trainer)");
}

TEST_F(ReportsTest, SlotsAreOfferedAgainOnlyWhenTheProcessIsGone) {
  ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
  Pass(seconds(5));
  EXPECT_EQ(worker_.Grants().size(), 1U);
  Close(worker_, grant_);
  EXPECT_EQ(worker_.Grants().size(), 2U);
}

TEST_F(ReportsTest, DuplicatesAreIgnoredAndAcknowledged) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), Log{"info", "once"}}).ok());
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), Log{"info", "once"}}).ok());
  EXPECT_EQ(worker_.LastAck().sequence, 2);
  EXPECT_EQ(worker_.Acks(), 2U);
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'log'"), "1");
  // Half old, half new.
  ASSERT_TRUE(Send(worker_, grant_, 2, {Log{"info", "once"}, Log{"info", "twice"}}).ok());
  EXPECT_EQ(worker_.LastAck().sequence, 3);
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'log'"), "2");
}

TEST_F(ReportsTest, ADuplicateResultIsAcknowledgedAfterTheEnd) {
  ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
    EXPECT_EQ(worker_.LastAck().sequence, 3);
    EXPECT_FALSE(worker_.LastAck().superseded);
    EXPECT_EQ(One("SELECT count(*) FROM results"), "1");
    Restart();
    worker_ = Connect("w", 1, {{grant_.attempt.id, grant_.attempt.token, false, {}, 3}});
    EXPECT_EQ(worker_.connection->All<Welcome>().at(0).stop, std::vector<std::string>{grant_.attempt.id});
  }
  // More of what is over does not count.
  ASSERT_TRUE(Send(worker_, grant_, 4, {Log{"info", "still here"}}).ok());
  EXPECT_TRUE(worker_.LastAck().superseded);
}

// A spool that lost a piece: the next session would tell of the same. The worker's others go on.
TEST_F(ReportsTest, AHoleCostsItsOwnAttemptAlone) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted()}).ok());
  ASSERT_TRUE(Send(worker_, grant_, 3, {Log{"info", "too early"}}).ok()) << "the stream goes on";
  EXPECT_TRUE(worker_.LastAck().superseded);
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'log'"), "0");
  EXPECT_EQ(AttemptState(grant_), "failed");
  EXPECT_EQ(TrialOf(grant_).failures, 1);
  EXPECT_THAT(One("SELECT failure_message FROM attempts"), HasSubstr("event 3 came where event 2 is next"));
}

TEST_F(ReportsTest, WhatComesBeforeAHoleIsGood) {
  Report report = MakeReport(grant_, 1, {MakeStarted(), Log{"info", "second"}, Log{"info", "fourth"}});
  report.events[2].first = 4;
  ASSERT_TRUE(service_->HandleReport(worker_.session, report).ok());
  EXPECT_EQ(worker_.LastAck().sequence, 2);
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'log'"), "1");
}

TEST_F(ReportsTest, AStaleTokenChangesNothing) {
  Grant stale = grant_;
  stale.attempt.token = 0;
  ASSERT_TRUE(Send(worker_, stale, 1, WholeRun()).ok());
  EXPECT_TRUE(worker_.LastAck().superseded);
  EXPECT_EQ(AttemptState(grant_), "granted");
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
  EXPECT_EQ(One("SELECT sequence FROM attempts"), "0");
}

// The fence stands in the database: a token issued there counts although memory has not heard of it.
TEST_F(ReportsTest, TheTokenIsCheckedInsideTheTransaction) {
  const Status status = store_->Write([&](store::Transaction& transaction) -> Status {
    core::Trial trial = TrialOf(grant_);
    trial.token = 2;
    return transaction.UpdateTrial(trial);
  });
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_TRUE(Send(worker_, grant_, 1, WholeRun()).ok());
  EXPECT_TRUE(worker_.LastAck().superseded);
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
}

TEST_F(ReportsTest, AnotherWorkersOrUnknownAttemptsAreRefused) {
  const FakeWorker other = Connect("x", 0);
  ASSERT_TRUE(Send(other, grant_, 1, WholeRun()).ok());
  EXPECT_TRUE(other.LastAck().superseded);
  Grant unknown = grant_;
  unknown.attempt.id = "a-unknown";
  ASSERT_TRUE(Send(worker_, unknown, 1, WholeRun()).ok());
  EXPECT_TRUE(worker_.LastAck().superseded);
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
  EXPECT_TRUE(absl::IsAborted(service_->HandleReport(99, MakeReport(grant_, 1, WholeRun()))));
}

TEST_F(ReportsTest, FailuresAreTriedAgainWithDoubledBackoffThenEnd) {
  for (const std::int64_t backoff : {30, 60}) {
    ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), Failed{"crashed", "signal 11"}}).ok());
    Close(worker_, grant_);
    // The other trial takes the slot meanwhile; hand it back.
    const Grant other = worker_.Grants().back();
    EXPECT_NE(other.attempt.trial_id, grant_.attempt.trial_id);
    EXPECT_THAT(service_->GetTrial(grant_.attempt.trial_id)->waiting, HasSubstr("tried again in"));
    PassRenewing(worker_, other, seconds(backoff - 10));
    Pass(seconds(9));
    ASSERT_TRUE(Send(worker_, other, 1, {Returned{0, true, "drained"}}).ok());
    Close(worker_, other);
    const Grant again = worker_.Grants().back();
    EXPECT_EQ(again.attempt.trial_id, other.attempt.trial_id);
    ASSERT_TRUE(Send(worker_, again, 1, {Returned{0, true, "drained"}}).ok());
    clock_.Advance(seconds(1));  // now the backoff is over
    Close(worker_, again);
    const Grant next = worker_.Grants().back();
    ASSERT_EQ(next.attempt.trial_id, grant_.attempt.trial_id);
    EXPECT_EQ(next.attempt.token, grant_.attempt.token + 1);
    grant_ = next;
  }
  ASSERT_TRUE(Send(worker_, grant_, 1, {Failed{"timed_out", "6 h"}}).ok());
  EXPECT_EQ(StateOf(grant_), "failed");
  EXPECT_EQ(TrialOf(grant_).failures, 3);
  EXPECT_EQ(TrialOf(grant_).failure_kind, "timed_out");
}

TEST_F(ReportsTest, BadInputAndDivergenceAreFinal) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {Failed{"bad_input", "/data/train.jsonl: not there"}}).ok());
  EXPECT_EQ(StateOf(grant_), "failed");
  EXPECT_EQ(TrialOf(grant_).failure_message, "/data/train.jsonl: not there");
  Close(worker_, grant_);
  const Grant second = worker_.Grants().back();
  ASSERT_TRUE(
      Send(worker_, second, 1, {MakeStarted(), Failed{"diverged", "the loss is nan at step 3"}}).ok());
  EXPECT_EQ(StateOf(second), "failed");
  // The policy's other tries are neither used nor waited for.
  EXPECT_EQ(One("SELECT count(*) FROM attempts WHERE trial_id = '" + second.attempt.trial_id + "'"), "1");
  EXPECT_EQ(One("SELECT count(*) FROM trials WHERE not_before IS NOT NULL"), "0");
  Pass(std::chrono::hours(2));
  EXPECT_EQ(worker_.Grants().back().attempt.id, second.attempt.id);
  const SweepView view = View("demo");
  EXPECT_EQ(view.failed, 2);
  EXPECT_EQ(view.sweep.state, core::SweepState::kFinished);
  EXPECT_TRUE(view.sweep.finished_at.has_value());
}

TEST_F(ReportsTest, HandedBackIsNoFailure) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), Returned{4, true, "the worker drains"}}).ok());
  Close(worker_, grant_);
  EXPECT_EQ(AttemptState(grant_), "returned");
  const Grant again = worker_.Grants().back();
  EXPECT_EQ(again.attempt.trial_id, grant_.attempt.trial_id);
  EXPECT_EQ(again.attempt.number, 2);
  EXPECT_EQ(TrialOf(again).failures, 0);
  EXPECT_EQ(TrialOf(again).last_worker_id, "w");
}

TEST_F(ReportsTest, AWorkerThatCanStartNothingDoesNotSpin) {
  for (int i = 0; i < 10; ++i) {
    const Grant grant = worker_.Grants().back();
    ASSERT_TRUE(Send(worker_, grant, 1, {Returned{0, false, "cannot fork"}}).ok());
    Close(worker_, grant);
  }
  EXPECT_LE(worker_.Grants().size(), 3U);  // one a trial, and no more without time going by
}

TEST_F(ReportsTest, TooManyInterruptionsFailTheTrial) {
  std::int64_t times = 0;
  for (; times < 300 && StateOf(grant_) != "failed"; ++times) {
    const Grant grant = worker_.Grants().back();
    ASSERT_TRUE(Send(worker_, grant, 1, {Returned{1, true, "again"}}).ok());
    Close(worker_, grant);
  }
  EXPECT_EQ(StateOf(grant_), "failed");
  EXPECT_EQ(TrialOf(grant_).failure_kind, "lost");
  EXPECT_THAT(TrialOf(grant_).failure_message, HasSubstr("handed back 21 times"));
  EXPECT_EQ(TrialOf(grant_).failures, 0);
  EXPECT_EQ(times, 21);
}

TEST_F(ReportsTest, WhatATrainerCannotMeanFailsTheAttempt) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), MakeScores(5)}).ok());
  EXPECT_EQ(worker_.LastAck().sequence, 2);
  EXPECT_EQ(AttemptState(grant_), "failed");
  EXPECT_THAT(TrialOf(grant_).failure_message, HasSubstr("5 predictions"));
  Close(worker_, grant_);
  const Grant second = worker_.Grants().back();
  core::Result result = MakeScores(0);
  result.test.rouge.rouge2 = std::nan("");
  ASSERT_TRUE(Send(worker_, second, 1, {MakeStarted(), result}).ok());
  EXPECT_EQ(AttemptState(second), "failed");
  EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
}

TEST_F(ReportsTest, ACostThatIsNoNumberDoesNotCostTheResult) {
  core::Result result = MakeScores(0);
  result.tokens_per_second = std::nan("");
  ASSERT_TRUE(Send(worker_, grant_, 1, {result}).ok());  // nor does a start that was never told
  EXPECT_EQ(StateOf(grant_), "succeeded");
  EXPECT_EQ(One("SELECT tokens_per_second FROM results"), "NULL");
}

TEST_F(ReportsTest, ProgressIsForPeople) {
  service_->HandleProgress(worker_.session, {grant_.attempt.id, grant_.attempt.token},
                           {.phase = "training", .step = 3, .total = 10, .loss = 2.5});
  const auto view = service_->GetTrial("full seed=1");
  ASSERT_TRUE(view.ok() && view->progress.has_value());
  EXPECT_EQ(view->progress->step, 3);
  EXPECT_EQ(view->worker_hostname, "host-w");
}

TEST_F(ReportsTest, OneAttemptAtATimeIsAskedForTheDocuments) {
  EXPECT_TRUE(grant_.want_documents);
  const FakeWorker second = Connect("x", 1);
  EXPECT_FALSE(second.Grants().at(0).want_documents);
  // The one asked fails half way: the next is asked.
  const core::Document document{"test", "d1", "article", "reference", 0};
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), document, Failed{"crashed", "signal 9"}}).ok());
  Close(worker_, grant_);
  Pass(seconds(31));
  const Grant again = worker_.Grants().back();
  ASSERT_EQ(again.attempt.number, 2);
  EXPECT_TRUE(again.want_documents);
  ASSERT_TRUE(Send(worker_, again, 1,
                   {MakeStarted(), document, core::Document{"validation", "v1", "article", "reference", 0},
                    MakeScores(0)})
                  .ok());
  EXPECT_EQ(One("SELECT count(*) FROM documents"), "2");
  // All that a result counts are there: nobody is asked any more.
  ASSERT_TRUE(Send(second, second.Grants()[0], 1, {Returned{1, true, "drain"}}).ok());
  Close(second, second.Grants()[0]);
  EXPECT_FALSE(second.Grants().back().want_documents);
}

}  // namespace
}  // namespace lorikeet::service
