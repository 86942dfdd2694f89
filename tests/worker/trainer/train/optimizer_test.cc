// Against torch.optim.AdamW, transformers' Adafactor and its schedules: make_optimizer_goldens.py.
#include "worker/trainer/train/optimizer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "tests/paths.h"
#include "worker/trainer/train/schedule.h"

namespace lorikeet::trainer {
namespace {

using Json = nlohmann::json;

const Json& Goldens() {
  static const Json goldens = [] {
    const auto text = ReadFile(std::string(kTestsDir) + "/worker/trainer/train/optimizer_goldens.json");
    return Json::parse(text.value());
  }();
  return goldens;
}

at::Tensor TensorOf(const Json& values, at::IntArrayRef shape) {
  return at::tensor(values.get<std::vector<float>>()).reshape(shape);
}

std::vector<std::int64_t> ShapeOf(const std::string& name) {
  return name == "matrix" ? std::vector<std::int64_t>{3, 4} : std::vector<std::int64_t>{5};
}

OptimizerSettings SettingsOf(const Json& json) {
  OptimizerSettings settings;
  settings.name = json.at("name");
  settings.weight_decay = json.at("weight_decay");
  settings.beta1 = json.value("beta1", settings.beta1);
  settings.beta2 = json.value("beta2", settings.beta2);
  settings.eps = json.value("eps", settings.eps);
  settings.relative_step = json.value("relative_step", false);
  settings.scale_parameter = json.value("scale_parameter", false);
  return settings;
}

TensorMap Start(const Json& golden) {
  TensorMap parameters;
  for (const auto& [name, values] : golden.at("start").items()) {
    parameters[name] = TensorOf(values, ShapeOf(name)).requires_grad_(true);
  }
  return parameters;
}

// Takes steps [from, to) of a golden and compares the parameters after each.
void TakeSteps(const Json& golden, std::size_t from, std::size_t to, const TensorMap& parameters,
               Optimizer& optimizer) {
  for (std::size_t step = from; step < to; ++step) {
    const Json& expected = golden.at("steps").at(step);
    std::vector<at::Tensor> all;
    for (const auto& [name, parameter] : parameters) {
      parameter.mutable_grad() = TensorOf(expected.at("gradients").at(name), ShapeOf(name));
      all.push_back(parameter);
    }
    const double norm = ClipGradients(all, Goldens().at("clip")).item<double>();
    EXPECT_NEAR(norm, expected.at("norm").get<double>(), 1e-5 * norm);
    optimizer.Step(optimizer.EffectiveRate(golden.at("settings").at("learning_rate")));
    for (const auto& [name, parameter] : parameters) {
      const at::Tensor want = TensorOf(expected.at("parameters").at(name), ShapeOf(name));
      EXPECT_TRUE(at::allclose(parameter.detach(), want, 1e-5, 1e-6))
          << golden.at("settings") << " step " << step << " " << name << "\n"
          << parameter << "\nwanted\n"
          << want;
    }
  }
}

TEST(Optimizer, GivesWhatTorchAndTransformersGive) {
  for (const Json& golden : Goldens().at("optimizers")) {
    const TensorMap parameters = Start(golden);
    const auto optimizer = CreateOptimizer(SettingsOf(golden.at("settings")), parameters).value();
    TakeSteps(golden, 0, golden.at("steps").size(), parameters, *optimizer);
  }
}

TEST(Optimizer, GoesOnFromItsStateAsIfItHadNeverStopped) {
  for (const Json& golden : Goldens().at("optimizers")) {
    const TensorMap parameters = Start(golden);
    auto optimizer = CreateOptimizer(SettingsOf(golden.at("settings")), parameters).value();
    TakeSteps(golden, 0, 2, parameters, *optimizer);
    TensorMap state;
    for (const auto& [name, tensor] : optimizer->State()) state[name] = tensor.clone();
    optimizer = CreateOptimizer(SettingsOf(golden.at("settings")), parameters).value();
    for (const auto& [name, tensor] : optimizer->State()) tensor.copy_(state.at(name));
    optimizer->GoOnAfter(2);
    TakeSteps(golden, 2, golden.at("steps").size(), parameters, *optimizer);
  }
}

TEST(Optimizer, RefusesAnUnknownName) {
  OptimizerSettings settings;
  settings.name = "sgd";
  EXPECT_EQ(CreateOptimizer(settings, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Optimizer, LeavesAParameterWithoutAGradientAsItIs) {
  const TensorMap parameters = {{"used", at::ones({2}).requires_grad_(true)},
                                {"unused", at::ones({2, 2}).requires_grad_(true)}};
  for (const char* name : {"adamw", "adafactor"}) {
    OptimizerSettings settings;
    settings.name = name;
    settings.weight_decay = 0.5;
    const auto optimizer = CreateOptimizer(settings, parameters).value();
    parameters.at("used").mutable_grad() = at::ones({2});
    optimizer->Step(0.1);
    EXPECT_TRUE(at::equal(parameters.at("unused").detach(), at::ones({2, 2})));
    EXPECT_LT(parameters.at("used").detach().max().item<double>(), 1);
  }
}

TEST(ClipGradients, WithoutALimitOnlyMeasures) {
  const at::Tensor parameter = at::zeros({2}).requires_grad_(true);
  parameter.mutable_grad() = at::tensor(std::vector<float>{3, 4});
  EXPECT_DOUBLE_EQ(ClipGradients({parameter}, 0).item<double>(), 5);
  EXPECT_EQ(parameter.grad()[1].item<float>(), 4);
}

TEST(Schedule, GivesWhatTransformersGives) {
  for (const Json& golden : Goldens().at("schedules")) {
    const Schedule schedule{golden.at("name"), golden.at("warmup_steps"), golden.at("total_steps")};
    std::int64_t step = 0;
    for (const double factor : golden.at("factors")) {
      EXPECT_NEAR(LearningRateFactor(schedule, step), factor, 1e-12) << golden << " step " << step;
      ++step;
    }
  }
}

}  // namespace
}  // namespace lorikeet::trainer
