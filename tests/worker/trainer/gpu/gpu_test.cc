// A GPU computes what the CPU computes: losses, gradients, dropout's masks, training steps and summaries.
#include <ATen/Context.h>
#include <gtest/gtest.h>

#include "tests/parity/goldens.h"
#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/generate/generate.h"
#include "worker/trainer/model/dropout.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/step.h"

namespace lorikeet::trainer {
namespace {

class GpuTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "no GPU here, or a LibTorch without CUDA";
    SetUpCompute(0);
    gpu_ = *ParseDevice("cuda:0");
  }

  std::unique_ptr<T5> Model(at::Device device, at::ScalarType compute = at::kFloat,
                            bool trainable = true) const {
    LoadOptions options;
    options.device = device;
    options.compute = compute;
    options.trainable = trainable;
    // On the CPU, whatever the device: a seed means the same weights everywhere.
    return T5::Initialize(GoldenModel(GetParam())->config(), 5, options);
  }

  static Batch On(const Batch& batch, at::Device device) {
    return {batch.source.to(device), batch.source_mask.to(device), batch.target.to(device),
            batch.target_mask.to(device)};
  }
  Batch GoldenBatch() const { return MakeBatch(GoldenJson(GetParam() + "/forward.json")); }

  at::Device gpu_ = at::kCPU;
};

// With dropout: the masks are the same on both.
TEST_P(GpuTest, LossAndGradientsUnderTheSameMasks) {
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    const auto here = Model(at::kCPU, compute), there = Model(gpu_, compute);
    const auto loss = [&](const T5& model, at::Device device) {
      DropoutStream dropout(3, 0.2);
      dropout.Rekey(4, 1);
      at::Tensor sum = Loss(model, On(GoldenBatch(), device), {.dropout = &dropout}).sum;
      sum.backward();
      return sum.item<double>();
    };
    const double expected = loss(*here, at::kCPU), actual = loss(*there, gpu_);
    EXPECT_NEAR(actual, expected, (compute == at::kFloat ? 1e-4 : 2e-2) * expected);
    double difference = 0, norm = 0;
    for (const auto& [name, parameter] : here->parameters()) {
      const at::Tensor gradient = there->parameters().at(name).grad().cpu();
      if (compute == at::kFloat) {
        EXPECT_TRUE(IsClose(gradient, parameter.grad(), 1e-3)) << name;
      }
      difference += (gradient - parameter.grad()).square().sum().item<double>();
      norm += parameter.grad().square().sum().item<double>();
    }
    EXPECT_LT(std::sqrt(difference / norm), compute == at::kFloat ? 1e-4 : 0.1);
  }
}

TEST_P(GpuTest, MasksAreTheSame) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const auto& sizes : {std::vector<std::int64_t>{3, 5, 70}, {2, 3, 4, 33}, {4, 16}}) {
      DropoutStream here(7, 0.3), there(7, 0.3);
      const at::Tensor x = at::ones(sizes, type);
      EXPECT_TRUE(at::equal(here.Apply(x), there.Apply(x.to(gpu_)).cpu()));
      EXPECT_TRUE(
          at::equal(here.AddTo(x.to(at::kFloat), x), there.AddTo(x.to(gpu_, at::kFloat), x.to(gpu_)).cpu()));
    }
  }
}

TEST_P(GpuTest, TrainingGoesTheSameWay) {
  for (const Method method : {Method::kLora, Method::kPrompt, Method::kFull}) {
    const auto losses = [&](at::Device device) {
      const auto model = Model(device, at::kFloat, method == Method::kFull);
      Trial trial;
      trial.method = method;
      std::unique_ptr<Adapter> adapter;
      if (method != Method::kFull) adapter = *CreateAdapter(trial, *model);
      const TensorMap parameters = adapter ? adapter->parameters() : model->parameters();
      const auto optimizer = *CreateOptimizer({}, parameters);
      DropoutStream dropout(1, 0.1);
      Stepper stepper{
          .model = model.get(), .adapter = adapter.get(), .dropout = &dropout, .optimizer = optimizer.get()};
      for (const auto& [name, parameter] : parameters) stepper.parameters.push_back(parameter);
      stepper.gradient_clip = 1;
      stepper.micro_batch_size = 2;
      const nlohmann::json golden = GoldenJson(GetParam() + "/forward.json");
      const Rows sources = golden["source"].get<Rows>(), targets = golden["target"].get<Rows>();
      std::vector<Example> examples(sources.size());
      for (std::size_t i = 0; i < sources.size(); ++i) {
        examples[i].source.assign(sources[i].begin(), sources[i].end());
        examples[i].target.assign(targets[i].begin(), targets[i].end());
      }
      std::vector<double> all;
      for (std::int64_t step = 0; step < 20; ++step)
        all.push_back(stepper.Run(Pointers(examples), step, 1e-2)->loss);
      return all;
    };
    const std::vector<double> expected = losses(at::kCPU), actual = losses(gpu_);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(actual[i], expected[i], 1e-3 * expected[i]) << "step " << i;
    }
  }
}

TEST_P(GpuTest, SummariesAreTheSame) {
  const auto here = Model(at::kCPU, at::kFloat, false), there = Model(gpu_, at::kFloat, false);
  const Rows rows = GoldenJson(GetParam() + "/forward.json")["source"].get<Rows>();
  std::vector<std::vector<text::TokenId>> sources;
  for (const auto& row : rows) sources.emplace_back(row.begin(), row.end());
  for (const std::int64_t beams : {1, 4}) {
    EvaluateSettings settings;
    settings.beams = beams;
    settings.max_new_tokens = 12;
    settings.min_new_tokens = 4;
    settings.no_repeat_ngram_size = 3;
    const at::NoGradGuard no_grad;
    const auto expected = Generate(*here, {}, sources, settings),
               actual = Generate(*there, {}, sources, settings);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(actual[i].tokens, expected[i].tokens) << beams;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GpuTest, ::testing::ValuesIn(kGoldenModels),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace lorikeet::trainer
