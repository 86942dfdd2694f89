// A trial that is stopped or killed, and goes on, ends with the same losses and the same weights, bit for
// bit.
#include <gmock/gmock.h>

#include "tests/worker/trainer/train/tiny_trial.h"

namespace lorikeet::trainer {
namespace {

class ResumeTest : public TinyTrial {
 protected:
  std::string Weights(const Trial& trial, const std::string& out) const {
    const char* name =
        trial.method == Method::kFull ? "/kept/model.safetensors" : "/kept/adapter_model.safetensors";
    return ReadFile(Path(out) + name).value();
  }

  // Losses by step, the later attempt's where both have one.
  static std::map<std::int64_t, double> Losses(const std::vector<Run>& runs, const std::string& name) {
    std::map<std::int64_t, double> losses;
    for (const Run& run : runs) {
      for (const auto& metric : run.All<protocol::Metric>()) {
        if (metric.name == name) losses[metric.step] = metric.value;
      }
    }
    return losses;
  }

  void ExpectSame(const Trial& trial, bool killed) {
    const Run whole = RunOf(Options(trial, "whole"));
    ASSERT_TRUE(whole.end.ok()) << whole.end.status();
    for (const std::int64_t step : {1, 3, 5, 9}) {  // within an epoch, at its end, at the last
      SCOPED_TRACE(MethodName(trial.method) + " step " + std::to_string(step));
      const std::string out = "resumed" + std::to_string(step);
      TrialRunOptions options = Options(trial, out);
      options.checkpoint_seconds = killed ? 0 : 30;
      const Run first = RunUntil(options, step, killed);
      if (killed) {
        ASSERT_FALSE(first.end.ok());
      } else {
        ASSERT_TRUE(first.end.ok()) << first.end.status();
        EXPECT_EQ(*first.end, TrialEnd::kStopped);
        const auto stopped = first.All<protocol::Stopped>();
        ASSERT_EQ(stopped.size(), 1u);
        EXPECT_TRUE(stopped[0].checkpointed);
      }
      const Run second = RunOf(options);
      ASSERT_TRUE(second.end.ok()) << second.end.status();
      EXPECT_EQ(second.All<protocol::Started>().at(0).from_step, step);
      EXPECT_EQ(Losses({first, second}, "train_loss"), Losses({whole}, "train_loss"));
      EXPECT_EQ(Losses({first, second}, "validation_loss"), Losses({whole}, "validation_loss"));
      EXPECT_TRUE(Weights(trial, out) == Weights(trial, "whole"));
      EXPECT_EQ(second.result().kept_step, whole.result().kept_step);
      EXPECT_EQ(second.result().test.rouge.rouge1, whole.result().test.rouge.rouge1);
      EXPECT_FALSE(std::filesystem::exists(Path(out) + "/checkpoint"));
    }
  }
};

TEST_F(ResumeTest, StoppedFull) { ExpectSame(MakeTrial(Method::kFull), false); }
TEST_F(ResumeTest, StoppedLora) { ExpectSame(MakeTrial(Method::kLora), false); }
TEST_F(ResumeTest, KilledFull) { ExpectSame(MakeTrial(Method::kFull), true); }
TEST_F(ResumeTest, KilledPrompt) { ExpectSame(MakeTrial(Method::kPrompt), true); }

TEST_F(ResumeTest, KilledWithAdafactorAndMicroBatches) {
  Trial trial = MakeTrial(Method::kLora);
  trial.train.optimizer.name = "adafactor";
  trial.train.optimizer.scale_parameter = true;
  trial.train.micro_batch_size = 3;
  trial.train.keep = "last";
  ExpectSame(trial, true);
}

TEST_F(ResumeTest, StoppedWhileEvaluating) {
  const Trial trial = MakeTrial(Method::kLora);
  const Run whole = RunOf(Options(trial, "whole"));
  const TrialRunOptions options = Options(trial, "out");
  bool evaluating = false;
  TrialHooks hooks;
  hooks.send = [&](const protocol::Event& event) {
    const auto* progress = std::get_if<protocol::Progress>(&event);
    if (progress != nullptr && progress->phase == "generating") evaluating = true;
  };
  hooks.stop = [&] { return evaluating; };
  const auto end = RunTrial(options, hooks);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, TrialEnd::kStopped);
  const Run second = RunOf(options);
  EXPECT_TRUE(second.Metrics("train_loss").empty());
  EXPECT_EQ(second.result().test.rouge.rouge1, whole.result().test.rouge.rouge1);
  EXPECT_EQ(second.result().test_loss, whole.result().test_loss);
}

TEST_F(ResumeTest, AnotherTrialsCheckpointIsNotUsed) {
  Trial trial = MakeTrial(Method::kLora);
  TrialRunOptions options = Options(trial, "out");
  ASSERT_TRUE(RunUntil(options, 2, false).end.ok());
  options.trial.seed = 6;
  const Run run = RunOf(options);
  ASSERT_TRUE(run.end.ok()) << run.end.status();
  EXPECT_EQ(run.All<protocol::Started>().at(0).from_step, 0);
  ASSERT_EQ(run.All<protocol::Log>().size(), 1u);
  EXPECT_THAT(run.All<protocol::Log>()[0].message, testing::HasSubstr("another trial"));
}

// The last update made the weights not a number, which only the next step's loss would have shown.
TEST_F(ResumeTest, StoppedWithWeightsThatAreNoNumbersTheFormerCheckpointStands) {
  Trial trial = MakeTrial(Method::kLora);
  trial.train.warmup_steps = 0;
  trial.train.learning_rate = 1e38;
  trial.train.optimizer.weight_decay = 1e10;
  const TrialRunOptions options = Options(trial, "out");
  const Run run = RunUntil(options, 1, false);
  ASSERT_TRUE(run.end.ok()) << run.end.status();
  const auto stopped = run.All<protocol::Stopped>();
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_FALSE(stopped[0].checkpointed);
  EXPECT_FALSE(std::filesystem::exists(Path("out") + "/checkpoint/state-0.safetensors"));
}

TEST_F(ResumeTest, ADamagedCheckpointIsNotUsed) {
  const TrialRunOptions options = Options(MakeTrial(Method::kLora), "out");
  ASSERT_TRUE(RunUntil(options, 2, false).end.ok());
  const std::string path = Path("out") + "/checkpoint/state-0.safetensors";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 10);
  const Run run = RunOf(options);
  ASSERT_TRUE(run.end.ok()) << run.end.status();
  EXPECT_EQ(run.All<protocol::Started>().at(0).from_step, 0);
  EXPECT_EQ(run.All<protocol::Log>().size(), 1u);
}

}  // namespace
}  // namespace lorikeet::trainer
