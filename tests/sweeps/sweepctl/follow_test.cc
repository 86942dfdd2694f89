#include "sweeps/sweepctl/follow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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
  trial.set_name(name);
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
      LiveView(Sweep(), trials, 12),
      "tiny  [###############...............]  6/12 trials, 1 failed  1 min 05 s, about 2 min 10 s left\n"
      "  lora rank=2 seed=1  host  cpu  train 10/40  loss 2.500  1234 tokens/s  42 s left\n"
      "  full seed=1         host  cpu  starting\n");
}

TEST(LiveView, IsBoundedAndSaysWhyNothingRuns) {
  v1::ListTrialsResponse trials;
  for (int i = 0; i < 5; ++i) *trials.add_trials() = Running("full seed=" + std::to_string(i));
  v1::SweepStatus sweep = Sweep();
  sweep.add_waiting("no worker is \x1b connected");
  const std::string view = LiveView(sweep, trials, 2);
  EXPECT_THAT(view, HasSubstr("seed=1"));
  EXPECT_THAT(view, Not(HasSubstr("seed=2")));
  EXPECT_THAT(view, HasSubstr("and 3 more"));
  EXPECT_THAT(view, HasSubstr("waiting: no worker is   connected"));
}

TEST(LiveView, DoesNotWorryAboutSlotsThatItsOwnTrialsHold) {
  v1::SweepStatus sweep = Sweep();
  sweep.add_waiting("all 2 slots are busy");
  sweep.set_running(2);
  EXPECT_THAT(LiveView(sweep, {}, 2), Not(HasSubstr("waiting")));
  sweep.set_running(0);  // another sweep has them
  EXPECT_THAT(LiveView(sweep, {}, 2), HasSubstr("waiting: all 2 slots are busy"));
}

TEST(LiveView, LeavesOutATotalThatIsNotKnown) {
  v1::ListTrialsResponse trials;
  *trials.add_trials() = Running("full seed=1");
  trials.mutable_trials(0)->mutable_progress()->set_phase("loading");
  EXPECT_THAT(LiveView(Sweep(), trials, 2), HasSubstr("cpu  loading\n"));
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
