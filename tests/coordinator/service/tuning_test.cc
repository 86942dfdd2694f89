// How a row's settings are chosen: when, by what, and what happens where nothing can be.
#include "coordinator/service/tuning.h"

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// `full` and `lora rank=1`, whose learning rate is chosen.
spec::Sweep MakeTunedSweep(std::int64_t tries, std::int64_t seeds = 1) {
  spec::Sweep sweep = MakeSweep("tuned", 1, seeds);
  Tune(sweep, tries);
  return sweep;
}

class TuningTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    worker_ = Connect("w", 1);
  }
  Grant Newest() { return worker_.Grants().back(); }
  void Finish(double validation_rouge1) {
    const Grant grant = Newest();
    core::Result result = MakeScores(1);
    result.validation.rouge.rouge1 = validation_rouge1;
    result.validation_loss = 1 - validation_rouge1;
    ASSERT_TRUE(
        Send(worker_, grant, 1, {MakeStarted(), store::MakePrediction("test", "d1", 0.4), result}).ok());
    Close(worker_, grant);
  }
  void FailIt(const std::string& kind) {
    const Grant grant = Newest();
    ASSERT_TRUE(Send(worker_, grant, 1, {MakeStarted(), Failed{kind, "said so"}}).ok());
    Close(worker_, grant);
  }
  std::string Chosen() {
    return One(
        "SELECT coalesce(w.name, 'none') FROM configurations AS c LEFT JOIN configurations AS w"
        " ON w.id = c.chosen_id WHERE c.tries > 1");
  }
  std::string Edge() { return One("SELECT coalesce(edge, 'none') FROM configurations WHERE tries > 1"); }

  FakeWorker worker_;
};

TEST_F(TuningTest, TheBestOnValidationBecomesTheRow) {
  const Submitted submitted = Submit(MakeTunedSweep(3, 2));
  EXPECT_EQ(submitted.trials, 3 + 4);
  EXPECT_EQ(Newest().trial_name, "lora rank=1 learning_rate=0.001 seed=101");
  Finish(0.30);
  Finish(0.35);
  EXPECT_EQ(Newest().trial_name, "lora rank=1 learning_rate=0.003 seed=101");
  EXPECT_EQ(Chosen(), "none");
  EXPECT_EQ(WaitingOf("lora rank=1 seed=1"),
            "the settings of 'lora rank=1' are chosen first: 2 of 3 trials for that have ended");
  EXPECT_THAT(View("tuned").waiting, ::testing::Contains(HasSubstr("2 of 3 trials for that have ended")));
  Finish(0.32);
  EXPECT_EQ(Chosen(), "lora rank=1 learning_rate=0.002");
  EXPECT_EQ(Edge(), "none");
  EXPECT_EQ(One("SELECT settings FROM configurations WHERE tries > 1"),
            R"({"rank":"1","learning_rate":"0.002"})");
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'chosen'"),
            "'lora rank=1' becomes 'lora rank=1 learning_rate=0.002', validation_rouge1 35, of 3 settings");
  EXPECT_EQ(Newest().trial_name, "full seed=1") << "the order is the file's still";
  Finish(0.3);
  ASSERT_EQ(Newest().trial_name, "lora rank=1 seed=1");
  const StatusOr<Trial> trial = TrialFromJson(Newest().trial_json);
  ASSERT_TRUE(trial.ok()) << trial.status();
  EXPECT_EQ(trial->train.learning_rate, 0.002);
  EXPECT_EQ(trial->configuration, "lora rank=1");
  EXPECT_EQ(trial->seed, 1);
  for (int i = 0; i < 3; ++i) Finish(0.3);
  EXPECT_EQ(core::Name(View("tuned").sweep.state), "finished");
}

TEST_F(TuningTest, ByLossTheSmallestIsBest) {
  spec::Sweep sweep = MakeTunedSweep(2);
  sweep.tune.by = "validation_loss";
  Submit(sweep);
  Finish(0.35);
  Finish(0.30);
  EXPECT_EQ(Chosen(), "lora rank=1 learning_rate=0.001");
  EXPECT_EQ(Edge(), "learning_rate=0.001 (least)");
}

TEST_F(TuningTest, TheGridsEndIsSaidAndTiesGoToTheFirst) {
  Submit(MakeTunedSweep(3));
  Finish(0.30);
  Finish(0.31);
  Finish(0.35);
  EXPECT_EQ(Edge(), "learning_rate=0.003 (largest)");
  spec::Sweep tie = MakeTunedSweep(3);
  tie.name = "tie";
  tie.fingerprint = "tie";
  for (int i = 0; i < 2; ++i) Finish(0.3);  // what is left of the first
  Submit(tie);
  Finish(0.30);
  Finish(0.31);
  Finish(0.31);
  EXPECT_EQ(One("SELECT w.name FROM configurations AS c JOIN configurations AS w ON w.id = c.chosen_id"
                " JOIN sweeps AS s ON s.id = c.sweep_id WHERE s.name = 'tie'"),
            "lora rank=1 learning_rate=0.002");
}

TEST_F(TuningTest, NothingComparedReadsWhatWasTried) {
  Submit(MakeTunedSweep(2, 3));
  Finish(0.30);
  Finish(0.31);
  for (int i = 0; i < 6; ++i) Finish(0.3);
  Pass(seconds(1));
  EXPECT_EQ(One("SELECT count(*) FROM comparisons"), "4");
  EXPECT_EQ(One("SELECT count(*) FROM comparisons AS p JOIN configurations AS c"
                " ON c.id IN (p.configuration_id, p.baseline_id) WHERE c.candidate_of IS NOT NULL"),
            "0");
  EXPECT_EQ(One("SELECT family FROM sweeps"), "1");
  EXPECT_EQ(One("SELECT group_concat(configuration || ' ' || seeds || ' ' || tries, ', ') FROM rouge_table"),
            "full 3 1, lora rank=1 3 2");
  EXPECT_EQ(One("SELECT group_concat(DISTINCT axis) FROM sensitivity"), "rank");
  EXPECT_EQ(One("SELECT count(*) FROM results"), "8") << "they are there, under their own names";
  Restart();
  Pass(seconds(1));
  EXPECT_EQ(One("SELECT count(*) FROM comparisons"), "4");
}

TEST_F(TuningTest, OneThatFailedIsNotChosen) {
  Submit(MakeTunedSweep(2));
  Finish(0.30);
  FailIt("diverged");
  EXPECT_EQ(Chosen(), "lora rank=1 learning_rate=0.001");
  EXPECT_EQ(Edge(), "learning_rate=0.001 (least)");
}

TEST_F(TuningTest, OneThatHasNotAllItsSeedsIsNotChosen) {
  spec::Sweep sweep = MakeTunedSweep(2);
  sweep.tune.seeds = {101, 102};
  Submit(sweep);
  Finish(0.30);  // 0.001, seed 101
  Finish(0.90);
  Finish(0.30);  // 0.001, seed 102
  FailIt("diverged");
  EXPECT_EQ(Chosen(), "lora rank=1 learning_rate=0.001") << "what did well once may have been lucky";
}

TEST_F(TuningTest, ARowsTrialsWaitThoughThereAreFreeSlots) {
  const FakeWorker wide = Connect("wide", 8);
  Submit(MakeTunedSweep(2));
  std::vector<std::string> granted;
  for (const FakeWorker& worker : {worker_, wide}) {
    for (const Grant& grant : worker.Grants()) granted.push_back(grant.trial_name);
  }
  EXPECT_THAT(granted,
              ::testing::UnorderedElementsAre("full seed=1", "lora rank=1 learning_rate=0.001 seed=101",
                                              "lora rank=1 learning_rate=0.002 seed=101"));
}

TEST_F(TuningTest, WhereNoneIsLeftTheRowFailsAndARetryTriesThemAgain) {
  Submit(MakeTunedSweep(2, 2));
  FailIt("diverged");
  FailIt("bad_input");
  for (int i = 0; i < 2; ++i) Finish(0.3);  // the baseline's
  EXPECT_EQ(core::Name(View("tuned").sweep.state), "finished");
  EXPECT_EQ(One("SELECT group_concat(state || ' ' || failure_kind) FROM trials WHERE name LIKE 'lora rank=1 "
                "seed=%'"),
            "failed diverged,failed diverged");
  EXPECT_THAT(
      One("SELECT failure_message FROM trials WHERE name = 'lora rank=1 seed=1'"),
      HasSubstr("none of its 2 settings could be chosen; 'lora rank=1 learning_rate=0.001 seed=101' failed: "
                "said so"));
  ASSERT_TRUE(service_->Retry("lora rank=1 seed=1").ok());
  EXPECT_EQ(One("SELECT state FROM trials WHERE name = 'lora rank=1 seed=1'"), "failed")
      << "nothing has changed";
  EXPECT_EQ(core::Name(View("tuned").sweep.state), "finished");

  ASSERT_TRUE(service_->Retry("tuned").ok());
  Finish(0.3);
  Finish(0.4);
  EXPECT_EQ(Chosen(), "lora rank=1 learning_rate=0.002");
  for (int i = 0; i < 2; ++i) Finish(0.3);
  EXPECT_EQ(View("tuned").succeeded, 6);
}

TEST_F(TuningTest, CancelledByAPersonTheRowIsToo) {
  Submit(MakeTunedSweep(2));
  ASSERT_TRUE(service_->Cancel("", "lora rank=1 learning_rate=0.001 seed=101").ok());
  ASSERT_TRUE(service_->Cancel("", "lora rank=1 learning_rate=0.002 seed=101").ok());
  EXPECT_EQ(One("SELECT state FROM trials WHERE name = 'lora rank=1 seed=1'"), "cancelled");
}

TEST_F(TuningTest, WhatIsChosenStays) {
  Submit(MakeTunedSweep(2));
  Finish(0.30);
  FailIt("diverged");
  const auto again = service_->Retry("lora rank=1 learning_rate=0.002 seed=101");
  EXPECT_THAT(Message(again.status()), HasSubstr("was for choosing settings, and others are chosen"));
  const auto sweep = service_->Retry("tuned");
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->trials, 0);
}

TEST_F(TuningTest, ARestartForgetsNothing) {
  Submit(MakeTunedSweep(2));
  Finish(0.30);
  Restart();
  worker_ = Connect("w", 1);
  EXPECT_EQ(Newest().trial_name, "lora rank=1 learning_rate=0.002 seed=101");
  EXPECT_THAT(WaitingOf("lora rank=1 seed=1"), HasSubstr("1 of 2 trials"));
  Finish(0.31);
  EXPECT_EQ(Chosen(), "lora rank=1 learning_rate=0.002");
  Restart();
  worker_ = Connect("w", 1);
  Finish(0.3);
  ASSERT_EQ(Newest().trial_name, "lora rank=1 seed=1");
  EXPECT_EQ(TrialFromJson(Newest().trial_json)->train.learning_rate, 0.002);
}

TEST_F(TuningTest, AChoiceThatWasNotMadeBeforeAKillIsMadeAfterIt) {
  Submit(MakeTunedSweep(2));
  Finish(0.30);
  Finish(0.31);
  service_.reset();
  store_.reset();
  // As a kill between the two commits leaves it.
  SQLite::Database(folder_.path() + "/results.db", SQLite::OPEN_READWRITE)
      .exec("UPDATE configurations SET chosen_id = NULL, edge = NULL WHERE tries > 1");
  Start();
  worker_ = Connect("w", 1);
  EXPECT_EQ(Chosen(), "lora rank=1 learning_rate=0.002");
}

TEST_F(TuningTest, ACancelledSweepChoosesNothing) {
  Submit(MakeTunedSweep(2));
  ASSERT_TRUE(service_->Cancel("tuned", "").ok());
  Pass(seconds(1));
  EXPECT_EQ(Chosen(), "none");
  ASSERT_TRUE(service_->Retry("tuned").ok());
  EXPECT_EQ(Newest().trial_name, "lora rank=1 learning_rate=0.001 seed=101");
}

}  // namespace
}  // namespace lorikeet::service
