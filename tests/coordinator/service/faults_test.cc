// A fleet under random faults, from a seed: connections lost with what was in them, workers and the
// coordinator killed, stalls, cancels, repeated and torn reports. Whatever happens: no result lost or
// doubled, no two leases on one trial, no slot taken twice, and in the end every sweep ends.
#include <set>

#include "tests/coordinator/service/simulated_worker.h"

namespace lorikeet::service {
namespace {

class FaultsTest : public ServiceTest, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  bool Chance(std::uint64_t one_in) { return dice_->Next() % one_in == 0; }

  void CheckPromises() {
    const std::string path = store_->path();
    EXPECT_EQ(
        store::One(path,
                   "SELECT count(*) FROM trials AS t WHERE (t.state = 'running') <> ((SELECT count(*) FROM "
                   "attempts AS a WHERE a.trial_id = t.id AND a.state IN ('granted', 'running')) = 1)"),
        "0")
        << "a running trial has one lease, another has none";
    EXPECT_EQ(
        store::One(path,
                   "SELECT count(*) FROM trials AS t WHERE (t.state = 'succeeded') <> EXISTS (SELECT 1 FROM "
                   "results AS r WHERE r.trial_id = t.id)"),
        "0")
        << "a trial that succeeded has its result, another has none";
    EXPECT_EQ(store::One(
                  path,
                  "SELECT count(*) FROM attempts AS a JOIN trials AS t ON t.id = a.trial_id WHERE a.state IN "
                  "('granted', 'running', 'lost') AND a.token <> t.token"),
              "0")
        << "what may still report has the newest token";
    std::multiset<std::string> results;
    for (const auto& row : store::Query(path, "SELECT trial_id FROM results")) results.insert(row[0]);
    for (const SimulatedWorker& worker : workers_) {
      for (const std::string& trial : worker.promised()) {
        EXPECT_EQ(results.count(trial), 1U) << "a result that was acknowledged is gone, or there twice";
      }
    }
  }

  void RestartAll() {
    Restart();
    for (SimulatedWorker& worker : workers_) worker.LoseConnection();
  }

  void OneFault() {
    SimulatedWorker& worker = workers_[dice_->Next() % workers_.size()];
    switch (dice_->Next() % 8) {
      case 0:
        if (worker.connected()) service_->Disconnect(worker.session());
        worker.LoseConnection();
        break;
      case 1:  // noticed by nobody: the next session replaces this one
        worker.LoseConnection();
        break;
      case 2:
        if (worker.connected()) service_->Disconnect(worker.session());
        worker.Kill();
        break;
      case 3:
        RestartAll();
        break;
      case 4:  // long enough for leases to run out
        Pass(seconds(65));
        break;
      case 5:
        clock_.Advance(std::chrono::minutes(20));
        break;
      case 6:
        if (worker.connected()) service_->HandleDraining(worker.session());
        break;
      default: {
        const auto trials = service_->ListTrials("demo");
        ASSERT_TRUE(trials.ok());
        if (Chance(3)) {
          ASSERT_TRUE(service_->Cancel("", trials->at(dice_->Next() % trials->size()).trial.id).ok());
        }
      }
    }
  }

  void OneStep() {
    for (SimulatedWorker& worker : workers_) {
      if (!worker.connected() && Chance(2)) worker.Connect(*service_);
      worker.Read(*service_);
      worker.Work(*service_);
      if (Chance(2)) worker.Renew(*service_);
      worker.Send(*service_);
    }
    Pass(seconds(1 + static_cast<std::int64_t>(dice_->Next() % 5)));
  }

  bool Ended() {
    for (const SweepView& view : service_->ListSweeps()) {
      if (view.sweep.state != core::SweepState::kFinished) return false;
    }
    return true;
  }

  std::unique_ptr<SeededRandom> dice_;
  std::vector<SimulatedWorker> workers_;
};

TEST_P(FaultsTest, KeepsItsPromises) {
  dice_ = std::make_unique<SeededRandom>(GetParam());
  for (const auto& [id, slots] : {std::pair{"u", 1}, {"v", 2}, {"w", 3}})
    workers_.emplace_back(id, slots, *dice_);
  Submit(MakeSweep("demo", 2, 3));
  Submit(MakeSweep("other", 0, 3));
  int faults = 0, steps = 0;
  for (; steps < 60; ++steps) {
    OneStep();
    if (Chance(3)) {
      OneFault();
      ++faults;
    }
    CheckPromises();
    if (HasFailure()) FAIL() << "seed " << GetParam() << ", step " << steps;
  }
  EXPECT_GT(faults, 5);
  // Left alone, it ends: what drains is started anew.
  RestartAll();
  for (; steps < 600 && !Ended(); ++steps) OneStep();
  EXPECT_TRUE(Ended()) << "seed " << GetParam();
  CheckPromises();
  EXPECT_EQ(One("SELECT count(*) FROM trials WHERE state IN ('pending', 'running')"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM attempts WHERE state IN ('granted', 'running', 'lost')"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM staged_predictions"), "0");
  EXPECT_NE(One("SELECT count(*) FROM results"), "0");
}

INSTANTIATE_TEST_SUITE_P(Seeds, FaultsTest, ::testing::Range<std::uint64_t>(1, 7));

}  // namespace
}  // namespace lorikeet::service
