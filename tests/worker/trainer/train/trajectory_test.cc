// Twenty training steps of full fine-tuning, LoRA and prompt tuning against transformers and peft
// (tests/parity): AdamW and both modes of Adafactor, every schedule, clipping, gradients gathered over
// micro-batches. Losses, gradient norms, and by the losses of another batch where the parameters end.
#include <gtest/gtest.h>

#include "tests/parity/goldens.h"
#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/train/optimizer.h"
#include "worker/trainer/train/schedule.h"
#include "worker/trainer/train/step.h"

namespace lorikeet::trainer {
namespace {

// How far a trajectory may part: rounding that Adam's first steps make much of is in it.
constexpr double kTrajectory = 1e-3;

// Model and what is trained: "full", "lora" or "prompt_once".
class TrajectoryTest : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void SetUp() override { golden_batches_ = GoldenJson(std::get<0>(GetParam()) + "/batches.json"); }

  std::vector<Example> ExamplesOf(std::size_t step) const {
    const nlohmann::json& batch = golden_batches_["steps"][step];
    const Rows sources = batch["source"].get<Rows>(), targets = batch["target"].get<Rows>();
    std::vector<Example> examples(sources.size());
    for (std::size_t row = 0; row < sources.size(); ++row) {
      examples[row].source = sources[row];
      examples[row].target = targets[row];
    }
    return examples;
  }

  // Takes the golden's steps; returns the worst relative deviation.
  double Train(const nlohmann::json& golden);

  nlohmann::json golden_batches_;
};

OptimizerSettings SettingsOf(const nlohmann::json& json) {
  OptimizerSettings settings;
  settings.name = json.at("name");
  settings.weight_decay = json.value("weight_decay", 0.0);
  if (json.contains("betas")) {
    settings.beta1 = json["betas"][0];
    settings.beta2 = json["betas"][1];
  }
  settings.eps = json.value("eps", settings.eps);
  settings.relative_step = json.value("relative_step", false);
  settings.scale_parameter = json.value("scale_parameter", false);
  return settings;
}

double TrajectoryTest::Train(const nlohmann::json& golden) {
  const auto& [name, kind] = GetParam();
  LoadOptions options;
  options.trainable = kind == "full";
  const auto model = GoldenModel(name, options);
  std::unique_ptr<Adapter> adapter;
  if (kind != "full") adapter = LoadAdapter(Golden(name + "/" + kind + "/start"), *model).value();
  const TensorMap& trained = adapter ? adapter->parameters() : model->parameters();
  const nlohmann::json& settings = golden["settings"];
  const auto optimizer = CreateOptimizer(SettingsOf(settings["optimizer"]), trained).value();
  Stepper stepper;
  stepper.model = model.get();
  stepper.adapter = adapter.get();
  stepper.optimizer = optimizer.get();
  for (const auto& [key, tensor] : trained) stepper.parameters.push_back(tensor);
  stepper.gradient_clip = settings["gradient_clip"];
  stepper.micro_batch_size = settings["micro_batch_size"];
  const std::size_t steps = golden["losses"].size();
  const Schedule schedule{settings["schedule"], settings.value("warmup_steps", 0),
                          static_cast<std::int64_t>(steps)};

  double worst = 0;
  const auto compare = [&](double ours, double theirs, const char* what, std::size_t step) {
    EXPECT_NEAR(ours, theirs, kTrajectory * theirs) << what << " at step " << step;
    worst = std::max(worst, std::abs(ours / theirs - 1));
  };
  for (std::size_t i = 0; i < steps; ++i) {
    const std::vector<Example> examples = ExamplesOf(i);
    const auto step = static_cast<std::int64_t>(i);
    const double scheduled = settings.value("learning_rate", 0.0) * LearningRateFactor(schedule, step);
    const auto outcome = stepper.Run(Pointers(examples), step, optimizer->EffectiveRate(scheduled));
    if (!outcome.ok()) {
      ADD_FAILURE() << outcome.status();
      return worst;
    }
    compare(outcome->loss, golden["losses"][i], "loss", i);
    compare(outcome->gradient_norm, golden["gradient_norms"][i], "gradient norm", i);
  }
  const at::NoGradGuard no_grad;
  const at::Tensor ends = Loss(*model, AdapterBatch(name), {.adapter = adapter.get()}).per_document;
  for (std::size_t i = 0; i < golden["end_losses"].size(); ++i) {
    compare(ends[static_cast<std::int64_t>(i)].item<double>(), golden["end_losses"][i],
            "loss of another document", i);
  }
  return worst;
}

TEST_P(TrajectoryTest, TwentySteps) {
  const std::string folder = std::get<0>(GetParam()) + "/" + std::get<1>(GetParam());
  const nlohmann::json goldens = GoldenJson(folder + "/trainings.json");
  ASSERT_GE(goldens.size(), 5u);
  for (const nlohmann::json& golden : goldens) {
    SCOPED_TRACE(golden["settings"].dump());
    ASSERT_EQ(golden["losses"].size(), 20u);
    printf("%s, %s: deviation %.2g\n", folder.c_str(), golden["settings"]["optimizer"].dump().c_str(),
           Train(golden));
  }
}

INSTANTIATE_TEST_SUITE_P(Trajectories, TrajectoryTest,
                         ::testing::Combine(::testing::ValuesIn(kTrainedGoldenModels),
                                            ::testing::Values("full", "lora", "prompt_once")),
                         [](const auto& instance) {
                           return std::get<0>(instance.param) + "_" + std::get<1>(instance.param);
                         });

}  // namespace
}  // namespace lorikeet::trainer
