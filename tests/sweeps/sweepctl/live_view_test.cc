#include "sweeps/sweepctl/live_view.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "sweeps/sweepctl/follow.h"

namespace lorikeet::sweepctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::SweepStatus Sweep() {
  v1::SweepStatus sweep;
  sweep.set_name("tiny");
  sweep.set_state("running");
  sweep.set_trials(12);
  sweep.set_succeeded(5);
  sweep.set_failed(1);
  sweep.set_running(2);
  sweep.set_elapsed_seconds(65);
  sweep.set_eta_seconds(130);
  return sweep;
}

v1::TrialStatus Running(const std::string& name) {
  v1::TrialStatus trial;
  trial.set_id("t-" + name);
  trial.set_name(name);
  trial.set_configuration(name.substr(0, name.find(" seed=")));
  trial.set_state("running");
  trial.set_worker("host");
  trial.set_device("cpu");
  return trial;
}

TEST(LiveView, ShowsTotalsAndWhatRuns) {
  v1::ListTrialsResponse trials;
  *trials.add_trials() = Running("lora rank=2 seed=1");
  v1::TrialProgress& progress = *trials.mutable_trials(0)->mutable_progress();
  progress.set_phase("train");
  progress.set_step(10);
  progress.set_total(40);
  progress.set_loss(2.5);
  progress.set_tokens_per_second(1234);
  progress.set_eta_seconds(42);
  *trials.add_trials() = Running("full seed=1");
  trials.add_trials()->set_state("pending");
  EXPECT_EQ(
      LiveView(Sweep(), trials, {}, 12),
      "tiny  [###############...............]  6/12 trials, 1 failed  1 min 05 s, about 2 min 10 s left\n"
      "  lora rank=2 seed=1  host  cpu  train 10/40  loss 2.500  1234 tokens/s  42 s left\n"
      "  full seed=1         host  cpu  starting\n");
}

TEST(LiveView, IsBoundedAndSaysWhyNothingRuns) {
  v1::ListTrialsResponse trials;
  for (int i = 0; i < 5; ++i) *trials.add_trials() = Running("full seed=" + std::to_string(i));
  v1::SweepStatus sweep = Sweep();
  sweep.add_waiting("no worker is \x1b connected");
  const std::string view = LiveView(sweep, trials, {}, 2);
  EXPECT_THAT(view, HasSubstr("seed=1"));
  EXPECT_THAT(view, Not(HasSubstr("seed=2")));
  EXPECT_THAT(view, HasSubstr("and 3 more"));
  EXPECT_THAT(view, HasSubstr("waiting: no worker is   connected"));
}

TEST(LiveView, DoesNotWorryAboutSlotsThatItsOwnTrialsHold) {
  v1::SweepStatus sweep = Sweep();
  sweep.add_waiting("all 2 slots are busy");
  sweep.set_running(2);
  EXPECT_THAT(LiveView(sweep, {}, {}, 2), Not(HasSubstr("waiting")));
  sweep.set_running(0);  // another sweep has them
  EXPECT_THAT(LiveView(sweep, {}, {}, 2), HasSubstr("waiting: all 2 slots are busy"));
}

TEST(LiveView, LeavesOutATotalThatIsNotKnown) {
  v1::ListTrialsResponse trials;
  *trials.add_trials() = Running("full seed=1");
  trials.mutable_trials(0)->mutable_progress()->set_phase("loading");
  EXPECT_THAT(LiveView(Sweep(), trials, {}, 2), HasSubstr("cpu  loading\n"));
}

v1::TrialStatus InState(const std::string& name, const std::string& state) {
  v1::TrialStatus trial = Running(name);
  trial.set_state(state);
  return trial;
}

TEST(TrialGrid, IsALineAConfigurationAndACharacterASeed) {
  v1::ListTrialsResponse trials;
  for (const char* state : {"succeeded", "running", "pending"})
    *trials.add_trials() = InState(std::string("full seed=") + state, state);
  for (const char* state : {"failed", "cancelled", "running"})
    *trials.add_trials() = InState(std::string("lora rank=\x1b[2J seed=") + state, state);
  v1::TrialProgress& progress = *trials.mutable_trials(5)->mutable_progress();
  progress.set_total(100);
  progress.set_step(100);
  EXPECT_EQ(TrialGrid(trials, 12), "  full            ■▁·  1/3\n  lora rank= [2J  ✗-█  0/3\n");
}

TEST(TrialGrid, WhereOneSeedIsAllThereIsThereIsNone) {
  v1::ListTrialsResponse trials;
  *trials.add_trials() = Running("full seed=1");
  *trials.add_trials() = Running("lora seed=1");
  EXPECT_EQ(TrialGrid(trials, 12), "");
}

TEST(TrialGrid, OfManyThoseThatRun) {
  v1::ListTrialsResponse trials;
  for (int seed = 1; seed <= 2; ++seed) {
    for (int rank = 0; rank < 30; ++rank)
      *trials.add_trials() =
          InState(fmt::format("lora rank={} seed={}", rank, seed), rank == 29 ? "running" : "pending");
  }
  const std::string grid = TrialGrid(trials, 3);
  EXPECT_THAT(grid, HasSubstr("  lora rank=29  ▁▁  0/2\n"));
  EXPECT_THAT(grid, HasSubstr("  lora rank=1   ··  0/2\n"));
  EXPECT_THAT(grid, HasSubstr("  and 27 more configurations\n"));
}

TEST(Sparkline, GoesFromTheLeastToTheGreatest) {
  EXPECT_EQ(Sparkline({8, 4, 2, 1}), "█▄▂▁");
  EXPECT_EQ(Sparkline({3, 3, 3}), "▁▁▁");
  EXPECT_EQ(Sparkline({1, NAN, 2}), "▁█");
  EXPECT_EQ(Sparkline({}), "");
}

TEST(LossHistory, IsThatOfTheAttemptThatRuns) {
  LossHistory losses;
  v1::ListTrialsResponse trials;
  *trials.add_trials() = Running("full seed=1");
  v1::TrialProgress& progress = *trials.mutable_trials(0)->mutable_progress();
  const auto note = [&](std::int64_t step, double loss) {
    progress.set_step(step);
    progress.set_loss(loss);
    losses.Note(trials);
    return losses.Sparkline("t-full seed=1");
  };
  EXPECT_EQ(note(10, 8), "");
  EXPECT_EQ(note(10, 8), "") << "the same step, looked at again";
  EXPECT_EQ(note(20, 1), "█▁");
  EXPECT_EQ(note(5, 9), "") << "begun again from an older step";
  EXPECT_EQ(note(6, 3), "█▁");
  for (int step = 7; step < 60; ++step) note(step, 1.0 / step);
  EXPECT_EQ(losses.Sparkline("t-full seed=1").size(), 16u * 3) << "bytes: the last of them";
  trials.mutable_trials(0)->set_state("succeeded");
  losses.Note(trials);
  EXPECT_EQ(losses.Sparkline("t-full seed=1"), "");
}

TEST(OutcomeOf, FailsWithTheWork) {
  v1::SweepStatus sweep = Sweep();
  sweep.set_state("finished");
  EXPECT_THAT(Message(OutcomeOf(sweep, "sweepctl trials tiny")),
              HasSubstr("1 of 12 trials failed; why: sweepctl trials tiny"));
  sweep.set_failed(0);
  EXPECT_TRUE(OutcomeOf(sweep, "sweepctl trials tiny").ok());
  sweep.set_state("cancelled");
  EXPECT_TRUE(absl::IsAborted(OutcomeOf(sweep, "sweepctl trials tiny")));
}

}  // namespace
}  // namespace lorikeet::sweepctl
