#include "worker/trainer/train/trial_run.h"

#include <gmock/gmock.h>

#include "tests/worker/trainer/train/tiny_trial.h"

namespace lorikeet::trainer {
namespace {

using testing::HasSubstr;

class TrialRunTest : public TinyTrial {};

TEST_F(TrialRunTest, EveryMethodEndsWithAResult) {
  for (const Method method :
       {Method::kFull, Method::kLora, Method::kPrompt, Method::kZeroShot, Method::kLead}) {
    const std::string name = MethodName(method);
    SCOPED_TRACE(name);
    TrialRunOptions options = Options(MakeTrial(method), name);
    options.documents = true;
    const Run run = RunOf(options);
    ASSERT_TRUE(run.end.ok()) << run.end.status();
    const protocol::Result result = run.result();
    EXPECT_TRUE(std::holds_alternative<protocol::Result>(run.events.back()));
    EXPECT_EQ(run.All<protocol::Document>().size(), 9u);
    EXPECT_EQ(run.All<protocol::Prediction>().size(), 9u);
    EXPECT_EQ(result.predictions, 9);
    EXPECT_EQ(result.test.documents, 5);
    EXPECT_EQ(result.validation.documents, 4);
    EXPECT_EQ(result.train_documents, 10);
    EXPECT_GT(result.peak_memory_bytes, 1 << 20);
    EXPECT_EQ(result.data_fingerprint.size(), 64u);
    EXPECT_EQ(result.model_fingerprint.size(), 64u);
    EXPECT_EQ(run.Metrics("train_loss").size(), Trains(method) ? 9u : 0u);
    EXPECT_EQ(run.Metrics("validation_loss").size(), Trains(method) ? 3u : 0u);
    EXPECT_EQ(result.trainable_parameters > 0, Trains(method));
    EXPECT_EQ(result.adapter_bytes > 0, Trains(method));
    EXPECT_EQ(result.test_loss.has_value(), method != Method::kLead);
    EXPECT_EQ(std::filesystem::exists(options.directory + "/kept"), Trains(method));
    EXPECT_FALSE(std::filesystem::exists(options.directory + "/checkpoint"));
    if (method == Method::kFull) {
      EXPECT_EQ(result.trainable_share, 1);
    }
    if (method == Method::kPrompt) {
      EXPECT_EQ(result.trainable_parameters, 3 * 16);
    }
  }
}

TEST_F(TrialRunTest, WhatDoesNotTrainNeedsNoTrainingData) {
  for (const Method method : {Method::kZeroShot, Method::kLead}) {
    Trial trial = MakeTrial(method);
    trial.data.train = "";
    const Run run = RunOf(Options(trial, MethodName(method)));
    ASSERT_TRUE(run.end.ok()) << run.end.status();
    EXPECT_EQ(run.result().train_documents, 0);
  }
}

TEST_F(TrialRunTest, TrainingLowersTheLoss) {
  Trial trial = MakeTrial(Method::kFull);
  trial.train.epochs = 15;
  const Run run = RunOf(Options(trial, "out"));
  const auto losses = run.Metrics("validation_loss");
  ASSERT_EQ(losses.size(), 15u);
  EXPECT_LT(losses.back(), 0.7 * losses.front());
}

TEST_F(TrialRunTest, LeadIsTheFirstSentences) {
  const Run run = RunOf(Options(MakeTrial(Method::kLead), "out"));
  for (const auto& prediction : run.All<protocol::Prediction>()) {
    EXPECT_THAT(prediction.summary, testing::MatchesRegex("patient [0-9]+ had (pain|fever) \\."))
        << prediction.id;
  }
}

TEST_F(TrialRunTest, TheLossDoesNotDependOnMicroBatches) {
  Trial trial = MakeTrial(Method::kFull);
  trial.train.dropout = 0;  // masks are drawn by micro-batch
  const auto whole = RunOf(Options(trial, "whole"));
  for (const std::int64_t size : {1, 3}) {
    trial.train.micro_batch_size = size;
    const auto parts = RunOf(Options(trial, "parts" + std::to_string(size)));
    EXPECT_EQ(parts.result().micro_batch_size, size);
    for (const char* name : {"train_loss", "gradient_norm", "validation_loss"}) {
      const auto a = whole.Metrics(name), b = parts.Metrics(name);
      ASSERT_EQ(a.size(), b.size());
      ASSERT_FALSE(a.empty());
      for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_NEAR(a[i], b[i], 1e-4 * std::abs(a[i])) << name << " " << i;
    }
  }
}

TEST_F(TrialRunTest, ARateThatIsFarTooHighDiverges) {
  Trial trial = MakeTrial(Method::kFull);
  trial.train.learning_rate = 1e30;
  trial.train.epochs = 10;
  const Run run = RunOf(Options(trial, "out"));
  ASSERT_FALSE(run.end.ok());
  EXPECT_EQ(FailureKind(run.end.status()), "diverged") << run.end.status();
  EXPECT_THAT(Message(run.end.status()), HasSubstr("no checkpoint had been written"));
}

// With a state written after an update that ruined the weights there would be nothing to go back to.
TEST_F(TrialRunTest, DivergenceNamesTheLastCheckpointWhoseLossIsFinite) {
  Trial trial = MakeTrial(Method::kFull);
  trial.train.learning_rate = 1e30;
  trial.train.warmup_steps = 4;  // the first step's rate is 2.5e29: it ruins them
  trial.train.gradient_clip = 0;
  trial.train.validate_every_steps = 100;
  TrialRunOptions options = Options(trial, "out");
  options.checkpoint_seconds = 0;
  const Run run = RunOf(options);
  ASSERT_FALSE(run.end.ok());
  const auto saved = run.All<protocol::CheckpointSaved>();
  ASSERT_FALSE(saved.empty());
  const std::string path = options.directory + "/checkpoint/state-0.safetensors";
  EXPECT_THAT(Message(run.end.status()),
              HasSubstr(fmt::format("the last good checkpoint is of step {}, {}", saved.back().step, path)));
  EXPECT_TRUE(std::filesystem::exists(path));
  // Good: from there the first step of a sane trial has a finite loss.
  const auto losses = run.Metrics("train_loss");
  EXPECT_EQ(static_cast<std::int64_t>(losses.size()), saved.back().step + 1);
}

TEST_F(TrialRunTest, KeepsTheBestByValidation) {
  Trial trial = MakeTrial(Method::kFull);
  trial.train.learning_rate = 0.3;  // overshoots: the last is not the best
  trial.train.epochs = 12;
  const Run run = RunOf(Options(trial, "best"));
  const auto losses = run.Metrics("validation_loss");
  const auto best = std::min_element(losses.begin(), losses.end());
  EXPECT_EQ(run.result().kept_step, 3 * (best - losses.begin() + 1));
  EXPECT_NEAR(run.result().validation_loss.value(), *best, 1e-6 * *best);
  trial.train.keep = "last";
  const Run last = RunOf(Options(trial, "last"));
  EXPECT_EQ(last.result().kept_step, 36);
  EXPECT_NEAR(last.result().validation_loss.value(), losses.back(), 1e-6 * losses.back());
}

TEST_F(TrialRunTest, KeepsByRouge) {
  Trial trial = MakeTrial(Method::kLora);
  trial.train.keep_by = "validation_rouge1";
  const Run run = RunOf(Options(trial, "out"));
  const auto values = run.Metrics("validation_rouge1");
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(run.result().validation.rouge.rouge1, *std::max_element(values.begin(), values.end()));
}

TEST_F(TrialRunTest, StopsWhenPatienceIsOut) {
  Trial trial = MakeTrial(Method::kFull);
  trial.train.learning_rate = 1e-12;  // too small to change an fp32 loss for good
  trial.train.schedule = "constant";
  trial.train.epochs = 50;
  trial.train.patience = 2;
  const Run run = RunOf(Options(trial, "out"));
  EXPECT_LT(run.result().last_step, 150);
  EXPECT_EQ(run.result().last_step, run.result().kept_step + 2 * 3);
}

TEST_F(TrialRunTest, ValidatesEveryNSteps) {
  Trial trial = MakeTrial(Method::kLora);
  trial.train.epochs.reset();
  trial.train.steps = 7;
  trial.train.validate_every_steps = 2;
  const Run run = RunOf(Options(trial, "out"));
  std::vector<std::int64_t> steps;
  for (const auto& metric : run.All<protocol::Metric>()) {
    if (metric.name == "validation_loss") steps.push_back(metric.step);
  }
  EXPECT_THAT(steps, testing::ElementsAre(2, 4, 6, 7));
}

TEST_F(TrialRunTest, TheHeldOutDocumentsAreTheSameForEveryTrial) {
  std::vector<std::vector<std::string>> held;
  for (const std::int64_t seed : {1, 2}) {
    Trial trial = MakeTrial(Method::kLora);
    trial.seed = seed;
    trial.data.validation.clear();
    trial.data.validation_from_train = 0.3;
    const Run run = RunOf(Options(trial, "out" + std::to_string(seed)));
    EXPECT_EQ(run.result().train_documents, 7);
    std::vector<std::string> ids;
    for (const auto& prediction : run.All<protocol::Prediction>()) {
      if (prediction.split == "validation") ids.push_back(prediction.id);
    }
    EXPECT_EQ(ids.size(), 3u);
    held.push_back(ids);
  }
  EXPECT_EQ(held[0], held[1]);
}

TEST_F(TrialRunTest, LimitsAreTheFirstDocuments) {
  Trial trial = MakeTrial(Method::kLead);
  trial.data.limit_train = 6;
  trial.data.limit_test = 2;
  const Run run = RunOf(Options(trial, "out"));
  EXPECT_EQ(run.result().train_documents, 6);
  EXPECT_EQ(run.result().test.documents, 2);
}

TEST_F(TrialRunTest, Bf16Trains) {
  Trial trial = MakeTrial(Method::kLora);
  trial.train.precision = "bf16";
  const Run run = RunOf(Options(trial, "out"));
  ASSERT_TRUE(run.end.ok()) << run.end.status();
  EXPECT_EQ(run.result().precision, "bf16");
}

TEST_F(TrialRunTest, WithoutInstructionsForItBf16IsFp32AndSaysSo) {
  Trial trial = MakeTrial(Method::kLora);
  const auto fp32 = RunOf(Options(trial, "fp32"));
  trial.train.precision = "bf16";
  TrialRunOptions options = Options(trial, "out");
  options.fast_bf16 = false;
  const Run run = RunOf(options);
  ASSERT_TRUE(run.end.ok()) << run.end.status();
  EXPECT_EQ(run.result().precision, "fp32");
  EXPECT_EQ(run.Metrics("train_loss"), fp32.Metrics("train_loss"));
  ASSERT_EQ(run.All<protocol::Log>().size(), 1u);
  EXPECT_EQ(run.All<protocol::Log>()[0].level, "warning");
  EXPECT_THAT(run.All<protocol::Log>()[0].message, HasSubstr("bf16"));
}

TEST_F(TrialRunTest, CountsEmptyDocumentsAndSaysSo) {
  std::ofstream(Path("train.jsonl"), std::ios::app) << R"({"id": "x", "article": "text", "abstract": "  "})"
                                                    << "\n";
  const Run run = RunOf(Options(MakeTrial(Method::kLora), "out"));
  EXPECT_EQ(run.result().empty_documents, 1);
  EXPECT_EQ(run.result().train_documents, 10);
  const auto logs = run.All<protocol::Log>();
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(logs[0].level, "warning");
  EXPECT_THAT(logs[0].message, HasSubstr("train.jsonl"));
}

class BadInputTest : public TinyTrial {
 protected:
  void ExpectBadInput(const Trial& trial, const std::string& words) {
    const Run run = RunOf(Options(trial, "out"));
    ASSERT_FALSE(run.end.ok());
    EXPECT_EQ(FailureKind(run.end.status()), "bad_input") << run.end.status();
    EXPECT_THAT(Message(run.end.status()), HasSubstr(words));
    EXPECT_THAT(Message(run.end.status()), testing::Not(HasSubstr("\n")));
  }
};

TEST_F(BadInputTest, MissingModel) {
  Trial trial = MakeTrial(Method::kLora);
  trial.model = Path("nowhere");
  ExpectBadInput(trial, "nowhere");
}

TEST_F(BadInputTest, MissingData) {
  Trial trial = MakeTrial(Method::kLora);
  trial.data.test = Path("nowhere.jsonl");
  ExpectBadInput(trial, "nowhere.jsonl");
}

TEST_F(BadInputTest, TruncatedWeights) {
  const std::string path = Path("model") + "/model.safetensors";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  ExpectBadInput(MakeTrial(Method::kLora), "model.safetensors");
}

TEST_F(BadInputTest, ATokenizerThatDoesNotFit) {
  SaveModel(Path("model"), 101);  // even without its sentinels it has more pieces than the model has rows
  ExpectBadInput(MakeTrial(Method::kLora), "spiece.model");
}

TEST_F(BadInputTest, DuplicateId) {
  WriteData("extra.jsonl", 3, 1);
  std::ofstream(Path("train.jsonl"), std::ios::app) << ReadFile(Path("extra.jsonl")).value();
  ExpectBadInput(MakeTrial(Method::kLora), "train.jsonl:11");
}

TEST_F(BadInputTest, TooFewDocumentsToHoldOut) {
  Trial trial = MakeTrial(Method::kLora);
  trial.data.validation.clear();
  trial.data.validation_from_train = 0.5;
  trial.data.limit_train = 1;
  ExpectBadInput(trial, "too few");
}

}  // namespace
}  // namespace lorikeet::trainer
