// Five training steps of full fine-tuning, LoRA and prompt tuning, against transformers, peft and torch's
// AdamW (tests/parity): losses, learning rates, gradient norms, and where the parameters end.
#include <gtest/gtest.h>

#include "tests/parity/goldens.h"
#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/train/optimizer.h"
#include "worker/trainer/train/schedule.h"
#include "worker/trainer/train/step.h"

namespace lorikeet::trainer {
namespace {

// Model and what is trained: "full", "lora" or "prompt".
class TrajectoryTest : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(TrajectoryTest, FiveSteps) {
  const auto& [name, kind] = GetParam();
  const std::string folder = name + "/" + kind;
  const nlohmann::json golden = GoldenJson(folder + "/steps.json");
  LoadOptions options;
  options.trainable = kind == "full";
  const auto model = GoldenModel(name, options);
  std::unique_ptr<Adapter> adapter;
  if (kind != "full") {
    auto loaded = LoadAdapter(Golden(folder + "/start"), *model);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    adapter = *std::move(loaded);
  }
  const std::map<std::string, at::Tensor>& trained = adapter ? adapter->parameters() : model->parameters();
  OptimizerSettings settings;
  settings.weight_decay = golden["weight_decay"];
  const auto optimizer = CreateOptimizer(settings, trained);
  ASSERT_TRUE(optimizer.ok()) << optimizer.status();
  Stepper stepper;
  stepper.model = model.get();
  stepper.adapter = adapter.get();
  stepper.optimizer = optimizer->get();
  for (const auto& [key, tensor] : trained) stepper.parameters.push_back(tensor);
  stepper.gradient_clip = golden["gradient_clip"];
  // Accumulated over micro-batches of 3 and 1: the gradients must not depend on it.
  stepper.micro_batch_size = 3;
  const auto steps = static_cast<std::int64_t>(golden["batches"].size());
  const Schedule schedule{golden["schedule"], golden["warmup_steps"], steps};

  double worst = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto i = static_cast<std::size_t>(step);
    const Rows sources = golden["batches"][i]["source"].get<Rows>(),
               targets = golden["batches"][i]["target"].get<Rows>();
    std::vector<Example> examples;
    for (std::size_t row = 0; row < sources.size(); ++row) examples.push_back({sources[row], targets[row]});
    std::vector<const Example*> batch;
    for (const Example& example : examples) batch.push_back(&example);
    const double rate = golden["learning_rate"].get<double>() * LearningRateFactor(schedule, step);
    EXPECT_NEAR(rate, golden["learning_rates"][i].get<double>(), 1e-12) << "step " << step;
    const auto outcome = stepper.Run(batch, step, rate);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    const double loss = golden["losses"][i], norm = golden["gradient_norms"][i];
    EXPECT_NEAR(outcome->loss, loss, kParity * loss) << "step " << step;
    EXPECT_NEAR(outcome->gradient_norm, norm, kParity * norm) << "step " << step;
    worst =
        std::max({worst, std::abs(outcome->loss / loss - 1), std::abs(outcome->gradient_norm / norm - 1)});
  }

  std::map<std::string, at::Tensor> ends;
  if (kind == "full") {
    ends = GoldenTensors(folder + "/end/model.safetensors");
  } else {
    const auto end = LoadAdapter(Golden(folder + "/end"), *model);
    ASSERT_TRUE(end.ok()) << end.status();
    ends = (*end)->parameters();
  }
  ASSERT_EQ(ends.size(), trained.size());
  double worst_end = 0;
  for (const auto& [key, tensor] : ends) {
    EXPECT_TRUE(IsClose(trained.at(key), tensor)) << key;
    worst_end = std::max(worst_end, Deviation(trained.at(key), tensor));
  }
  printf("%s: after %d steps: losses and norms deviate by %.2g, parameters by %.2g\n", folder.c_str(),
         static_cast<int>(steps), worst, worst_end);
}

INSTANTIATE_TEST_SUITE_P(Trajectories, TrajectoryTest,
                         ::testing::Combine(::testing::ValuesIn(kTrainedGoldenModels),
                                            ::testing::Values("full", "lora", "prompt")),
                         [](const auto& instance) {
                           return std::get<0>(instance.param) + "_" + std::get<1>(instance.param);
                         });

}  // namespace
}  // namespace lorikeet::trainer
