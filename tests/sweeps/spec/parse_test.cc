#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Parse, ReadsEveryKey) {
  const StatusOr<Sweep> sweep = Parse(GoodFile());
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->name, "study");
  EXPECT_EQ(sweep->text, GoodFile());
  EXPECT_THAT(sweep->seeds, ElementsAre(3, 1));
  EXPECT_EQ(sweep->baseline, "full");
  EXPECT_EQ(sweep->retry.attempts, 5);
  EXPECT_EQ(sweep->retry.backoff, std::chrono::seconds(90));
  EXPECT_TRUE(sweep->retry.kinds.empty());
  EXPECT_EQ(sweep->retry.interruptions, 20);
  EXPECT_EQ(sweep->priority, 0);
  EXPECT_FALSE(sweep->max_running.has_value());
  EXPECT_TRUE(sweep->labels.empty());
  EXPECT_EQ(sweep->resources.gpus, 1);
  EXPECT_EQ(sweep->resources.memory_bytes, 10LL << 30);
  EXPECT_EQ(sweep->resources.threads, 2);

  const Trial& trial = sweep->configurations.at(0).trial;
  EXPECT_EQ(trial.sweep, "study");
  EXPECT_EQ(trial.configuration, "full");
  EXPECT_EQ(trial.method, Method::kFull);
  EXPECT_EQ(trial.seed, 0);
  EXPECT_EQ(trial.model, "/sweeps/models/t5");
  EXPECT_EQ(trial.time_limit_seconds, 6 * 3600.0);
  EXPECT_EQ(trial.resources, sweep->resources);

  EXPECT_EQ(trial.data.format, "auto");
  EXPECT_EQ(trial.data.train, "/sweeps/data/train.jsonl.gz");
  EXPECT_EQ(trial.data.validation, "/sweeps/data/validation.jsonl.gz");
  EXPECT_EQ(trial.data.validation_from_train, 0);
  EXPECT_EQ(trial.data.test, "/data/test.jsonl.gz");
  EXPECT_EQ(trial.data.source_prefix, "summarize: ");
  EXPECT_EQ(trial.data.max_source_tokens, 512);
  EXPECT_EQ(trial.data.max_target_tokens, 128);
  EXPECT_EQ(trial.data.limit_train, 2000);
  EXPECT_EQ(trial.data.limit_validation, 200);
  EXPECT_EQ(trial.data.limit_test, 400);

  TrainSettings train;
  train.epochs = 3;
  train.batch_size = 16;
  train.micro_batch_size = 4;
  train.optimizer = {.name = "adamw", .weight_decay = 0.01, .beta1 = 0.9, .beta2 = 0.98, .eps = 1e-6};
  train.learning_rate = 1e-4;
  train.schedule = "cosine";
  train.warmup_steps = 10;
  train.precision = "bf16";
  train.dropout = 0.1;
  train.gradient_clip = 0.5;
  train.validate_every_steps = 50;
  train.keep = "last";
  train.keep_by = "validation_rouge1";
  train.patience = 3;
  EXPECT_EQ(trial.train, train);

  EvaluateSettings evaluate;
  evaluate.beams = 4;
  evaluate.max_new_tokens = 128;
  evaluate.min_new_tokens = 8;
  evaluate.length_penalty = 0.6;
  evaluate.no_repeat_ngram_size = 3;
  evaluate.early_stopping = "true";
  evaluate.batch_size = 8;
  evaluate.sentence_split = "newline";
  EXPECT_EQ(trial.evaluate, evaluate);
}

TEST(Parse, NeedsLittle) {
  const StatusOr<Sweep> sweep = Parse(R"(
sweep: s
model: /m
data: {train: /t, validation: {from_train: 0.05}, test: /e}
train: {steps: 10, learning_rate: 0.001, optimizer: adamw}
arms:
  full:
  lora: {rank: 4}
  prompt: {tokens: 8}
  zero_shot:
  lead: {}
seeds: [7]
)");
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  ASSERT_EQ(sweep->configurations.size(), 5U);
  const Trial& full = sweep->configurations[0].trial;
  EXPECT_EQ(full.data.validation, "");
  EXPECT_EQ(full.data.validation_from_train, 0.05);
  EXPECT_EQ(full.evaluate, EvaluateSettings{});
  EXPECT_EQ(full.resources, ResourceSettings{});
  EXPECT_EQ(full.time_limit_seconds, std::nullopt);
  EXPECT_EQ(full.train.steps, 10);
  EXPECT_EQ(full.train.epochs, std::nullopt);
  EXPECT_EQ(sweep->configurations[1].trial.lora, (LoraSettings{.rank = 4, .alpha = 8}));
  EXPECT_EQ(sweep->configurations[2].trial.prompt.tokens, 8);
  EXPECT_EQ(sweep->configurations[4].trial.lead.sentences, 3);
  EXPECT_THAT(sweep->notes, IsEmpty());
}

TEST(Parse, FormsOfValues) {
  const auto train = [](const std::string& from, const std::string& to) {
    const StatusOr<Sweep> sweep = Parse(With(from, to));
    EXPECT_TRUE(sweep.ok()) << sweep.status();
    return sweep.ok() ? sweep->configurations.at(0).trial : Trial{};
  };
  EXPECT_EQ(train("validate_every: 50", "validate_every: epoch").train.validate_every_steps, std::nullopt);
  EXPECT_EQ(train("early_stopping: true", "early_stopping: never").evaluate.early_stopping, "never");
  EXPECT_EQ(train("early_stopping: true", "early_stopping: false").evaluate.early_stopping, "false");
  EXPECT_EQ(train("gradient_clip: 0.5", "gradient_clip: 0").train.gradient_clip, 0);
  EXPECT_EQ(train("source_prefix: \"summarize: \"", "source_prefix: \"\"").data.source_prefix, "");
  EXPECT_EQ(train("sweep: study", "sweep: \"2024\"").sweep, "2024");
  EXPECT_EQ(train("time_limit: 6h", "time_limit: 90s").time_limit_seconds, 90);
  const OptimizerSettings adafactor =
      train("{name: adamw, weight_decay: 0.01, betas: [0.9, 0.98], eps: 1e-6}",
            "{name: adafactor, scale_parameter: true}")
          .train.optimizer;
  EXPECT_EQ(adafactor.name, "adafactor");
  EXPECT_TRUE(adafactor.scale_parameter);
  EXPECT_FALSE(adafactor.relative_step);
}

TEST(Parse, AnArmOverridesTrain) {
  const StatusOr<Sweep> sweep = Parse(With("full: {learning_rate: 1.0e-4}",
                                           "full: {learning_rate: 1.0e-4, steps: 100, batch_size: 32, "
                                           "optimizer: {name: adamw, weight_decay: 0.5}, dropout: 0}"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  const Trial& full = sweep->configurations.at(0).trial;
  EXPECT_EQ(full.train.steps, 100);
  EXPECT_EQ(full.train.epochs, std::nullopt);  // steps took its place
  EXPECT_EQ(full.train.batch_size, 32);
  EXPECT_EQ(full.train.dropout, 0);
  // The optimizer is replaced as a whole.
  EXPECT_EQ(full.train.optimizer, (OptimizerSettings{.name = "adamw", .weight_decay = 0.5}));
  const Trial& lora = sweep->configurations.at(1).trial;
  EXPECT_EQ(lora.method, Method::kLora);
  EXPECT_EQ(lora.train.epochs, 3);
  EXPECT_EQ(lora.train.batch_size, 16);
  EXPECT_EQ(lora.train.dropout, 0.1);  // of the base; LoRA's own is beside it
  EXPECT_EQ(lora.lora.dropout, 0.05);
  EXPECT_THAT(sweep->notes, ElementsAre("epochs: lora 3; full not set; prompt 10",
                                        "steps: lora not set; full 100; prompt not set",
                                        "batch_size: lora 16; full 32; prompt 16",
                                        "learning_rate: lora 0.001; full 0.0001; prompt 0.3",
                                        "dropout: lora 0.1; full 0; prompt 0.1",
                                        "optimizer.weight_decay: lora 0.01; full 0.5; prompt 0.01",
                                        "optimizer.betas: lora 0.9,0.98; full 0.9,0.999; prompt 0.9,0.98",
                                        "optimizer.eps: lora 1e-6; full 1e-8; prompt 1e-6"));
}

TEST(Parse, AdafactorMayFindItsOwnRate) {
  const StatusOr<Sweep> sweep =
      Parse(With("full: {learning_rate: 1.0e-4}",
                 "full: {optimizer: {name: adafactor, relative_step: true, scale_parameter: true}}"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->configurations.at(0).trial.train.learning_rate, std::nullopt);
}

TEST(Parse, AliasesStandForTheirValue) {
  const StatusOr<Sweep> sweep =
      Parse(Replaced(With("rank: [1, 8]", "rank: &sizes [1, 8]"), "tokens: [5, 20]", "tokens: *sizes"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->configurations.back().arm, "zero_shot");
  EXPECT_EQ(sweep->configurations.at(6).name, "prompt tokens=8");
}

TEST(Parse, WindowsLinesAndAByteOrderMark) {
  std::string text = "\xEF\xBB\xBF";
  for (const char c : GoodFile()) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const StatusOr<Sweep> sweep = Parse(text);
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->fingerprint, Parse(GoodFile())->fingerprint);
}

TEST(Parse, Load) {
  const StatusOr<Sweep> missing = LoadSweep("/nowhere/sweep.yaml", false);
  EXPECT_TRUE(absl::IsNotFound(missing.status())) << missing.status();
}

TEST(Parse, RetriesByKind) {
  const StatusOr<Sweep> sweep = Parse(
      With("attempts: 5",
           "attempts: 5, interruptions: 7, kinds: {crashed: {attempts: 2}, oom: never, timed_out: {}}"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->retry.interruptions, 7);
  EXPECT_EQ(sweep->retry.Of("crashed"), (KindRetry{.attempts = 2, .backoff = std::chrono::seconds(90)}));
  EXPECT_EQ(sweep->retry.Of("oom").attempts, 1);
  EXPECT_EQ(sweep->retry.Of("timed_out"), (KindRetry{.attempts = 5, .backoff = std::chrono::seconds(90)}));
  EXPECT_EQ(sweep->retry.kinds.size(), 2U) << "what says nothing else is left out";
}

TEST(Parse, WhatIsKept) {
  EXPECT_EQ(Parse(GoodFile())->keep, Keep());
  const StatusOr<Sweep> sweep = Parse(
      With("baseline: full", "baseline: full\nkeep: {checkpoints: forever, artifacts: 30d, logs: 12h}"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->keep.checkpoints, std::nullopt);
  EXPECT_EQ(sweep->keep.artifacts, std::chrono::milliseconds(std::chrono::hours(24 * 30)));
  EXPECT_EQ(sweep->keep.logs, std::chrono::milliseconds(std::chrono::hours(12)));
  EXPECT_EQ(Parse(With("baseline: full", "baseline: full\nkeep:"))->keep, Keep());
  // It changes no result.
  EXPECT_EQ(sweep->fingerprint, Parse(GoodFile())->fingerprint);
}

TEST(Parse, WhoIsServedFirstAndWhere) {
  const StatusOr<Sweep> sweep = Parse(With(
      "threads: 2}", "threads: 2, labels: {gpu: a100, zone: x, rack: 7}}\npriority: -5\nmax_running: 8"));
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  EXPECT_EQ(sweep->priority, -5);
  EXPECT_EQ(sweep->max_running, 8);
  EXPECT_EQ(sweep->labels, (Labels{{"gpu", "a100"}, {"rack", "7"}, {"zone", "x"}}));
  // They change no result.
  EXPECT_EQ(sweep->fingerprint, Parse(GoodFile())->fingerprint);
}

}  // namespace
}  // namespace lorikeet::spec
