#include "sweeps/sweepctl/forecast.h"

#include <gtest/gtest.h>

namespace lorikeet::sweepctl {
namespace {

constexpr SplitSizes kSizes{.train = 100, .validation = 20, .test = 40};
constexpr ArmCost kCost{.load = 3, .step = 2, .batch_size = 16, .loss_document = 0.5, .generate_document = 4};

Trial Training(Method method = Method::kLora) {
  Trial trial;
  trial.method = method;
  trial.train.batch_size = 16;
  trial.train.epochs = 3;
  return trial;
}

TEST(ForecastTest, ATrialIsItsStepsItsValidationsAndItsTest) {
  const TrialForecast forecast = ForecastTrial(Training(), kCost, kSizes);
  EXPECT_EQ(forecast.steps, 21);  // 3 epochs of 7 batches, the last of which is small
  EXPECT_EQ(forecast.validations, 3);
  EXPECT_DOUBLE_EQ(forecast.load, 3);
  EXPECT_DOUBLE_EQ(forecast.train, 42);
  EXPECT_DOUBLE_EQ(forecast.validate, 3 * 20 * 0.5);
  EXPECT_DOUBLE_EQ(forecast.evaluate, 60 * 4.5);
  EXPECT_DOUBLE_EQ(forecast.seconds(), 3 + 42 + 30 + 270);
}

TEST(ForecastTest, StepsOfTheFileAndValidationsBetweenThem) {
  Trial trial = Training();
  trial.train.epochs.reset();
  trial.train.steps = 50;
  trial.train.validate_every_steps = 20;
  const TrialForecast forecast = ForecastTrial(trial, kCost, kSizes);
  EXPECT_EQ(forecast.steps, 50);
  EXPECT_EQ(forecast.validations, 3);  // after 20, 40, and the last
}

TEST(ForecastTest, KeepingByRougeGeneratesAtEachValidation) {
  Trial trial = Training();
  trial.train.keep_by = "validation_rouge1";
  EXPECT_DOUBLE_EQ(ForecastTrial(trial, kCost, kSizes).validate, 3 * 20 * 4.5);
}

TEST(ForecastTest, AGivenAdapterIsValidatedFirst) {
  Trial trial = Training();
  trial.lora.adapter = "/somewhere";
  EXPECT_DOUBLE_EQ(ForecastTrial(trial, kCost, kSizes).validate, 4 * 20 * 0.5);
}

TEST(ForecastTest, ALargerBatchTakesLonger) {
  Trial trial = Training();
  trial.train.batch_size = 32;
  const TrialForecast forecast = ForecastTrial(trial, kCost, kSizes);
  EXPECT_EQ(forecast.steps, 12);
  EXPECT_DOUBLE_EQ(forecast.train, 12 * 2 * 2);
}

TEST(ForecastTest, ReferencesTrainNothing) {
  const TrialForecast zero_shot = ForecastTrial(Training(Method::kZeroShot), kCost, kSizes);
  EXPECT_EQ(zero_shot.steps, 0);
  EXPECT_DOUBLE_EQ(zero_shot.train + zero_shot.validate, 0);
  EXPECT_DOUBLE_EQ(zero_shot.seconds(), 3 + 270);
  EXPECT_DOUBLE_EQ(ForecastTrial(Training(Method::kLead), kCost, kSizes).seconds(), 0);
}

// full; LoRA of two ranks; a prompt; zero_shot. Two seeds.
spec::Sweep SmallSweep(const std::string& resources = "") {
  const auto sweep = spec::ParseSweep(
      "sweep: small\nmodel: m\ndata: {train: a, validation: b, test: c}\n"
      "train: {epochs: 3, batch_size: 16}\n"
      "arms:\n  full: {learning_rate: 1.0e-3}\n  lora: {rank: [8, 2], learning_rate: 1.0e-3}\n"
      "  prompt: {tokens: [5, 20], learning_rate: 0.3}\n  zero_shot: {}\n"
      "seeds: [1, 2]\nbaseline: full\n" +
          resources,
      {.file = "small.yaml", .environment = {}});
  EXPECT_TRUE(sweep.ok()) << sweep.status();
  return sweep.ok() ? *sweep : spec::Sweep();
}

TEST(ForecastTest, TheLargestConfigurationOfEachArm) {
  const spec::Sweep sweep = SmallSweep();
  EXPECT_EQ(ArmsOf(sweep), (std::vector<std::string>{"full", "lora", "prompt", "zero_shot"}));
  EXPECT_EQ(sweep.configurations[LargestOf(sweep, "lora")].name, "lora rank=8");
  EXPECT_EQ(sweep.configurations[LargestOf(sweep, "prompt")].name, "prompt tokens=20");
  EXPECT_EQ(sweep.configurations[LargestOf(sweep, "full")].name, "full");
}

TEST(ForecastTest, ASweepIsTheSumOfItsTrials) {
  const ArmCost nothing;
  const SweepForecast forecast = ForecastSweep(
      SmallSweep(), {{"full", kCost}, {"lora", kCost}, {"prompt", nothing}, {"zero_shot", kCost}}, kSizes, 1);
  EXPECT_EQ(forecast.trials, 2 + 4 + 4 + 1);
  ASSERT_EQ(forecast.arms.size(), 4U);
  EXPECT_EQ(forecast.arms[1].trials, 4);
  EXPECT_DOUBLE_EQ(forecast.arms[1].seconds, 4 * 345);
  EXPECT_DOUBLE_EQ(forecast.arms[1].longest.seconds(), 345);
  EXPECT_DOUBLE_EQ(forecast.device_seconds, 6 * 345 + 273);
  EXPECT_DOUBLE_EQ(forecast.wall_seconds, forecast.device_seconds);
  EXPECT_EQ(forecast.at_a_time, 1);
}

TEST(ForecastTest, WhatIsNotKnownIsLeftOut) {
  const SweepForecast forecast = ForecastSweep(SmallSweep(), {{"full", kCost}}, kSizes, 1);
  EXPECT_EQ(forecast.trials, 2);
  EXPECT_EQ(forecast.arms.size(), 1U);
}

TEST(ForecastTest, SlotsShareTheWorkAndNoTrialIsShorterThanItself) {
  const std::map<std::string, ArmCost> costs = {{"full", kCost}, {"lora", kCost}, {"prompt", kCost}};
  const SweepForecast two = ForecastSweep(SmallSweep(), costs, kSizes, 2);
  EXPECT_EQ(two.at_a_time, 2);
  EXPECT_DOUBLE_EQ(two.wall_seconds, 10 * 345 / 2.0);
  const SweepForecast many = ForecastSweep(SmallSweep(), costs, kSizes, 1000);
  EXPECT_EQ(many.at_a_time, 10);
  EXPECT_DOUBLE_EQ(many.wall_seconds, 345);
  EXPECT_EQ(ForecastSweep(SmallSweep("max_running: 1\n"), costs, kSizes, 4).at_a_time, 1);
  const SweepForecast gpus = ForecastSweep(SmallSweep("resources: {gpus: 2}\n"), costs, kSizes, 4);
  EXPECT_EQ(gpus.at_a_time, 2);
  EXPECT_DOUBLE_EQ(gpus.device_seconds, 2 * 3450);
}

}  // namespace
}  // namespace lorikeet::sweepctl
