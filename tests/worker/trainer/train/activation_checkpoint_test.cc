// With activation checkpointing loss and gradients are the same bits, and less memory is taken.
#include "worker/trainer/model/activation_checkpoint.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/train/batches.h"
#include "worker/trainer/train/cpu_memory.h"
#include "worker/trainer/train/device.h"

namespace lorikeet::trainer {
namespace {

class ActivationCheckpointTest : public testing::TestWithParam<Method> {
 protected:
  ActivationCheckpointTest() {
    SetUpCompute(2);
    trial_.method = GetParam();
    trial_.lora.rank = 3;
    trial_.lora.dropout = 0.2;
    // Where the memory is used twice, in the cross attention's k and v, order of summation could tell.
    trial_.lora.targets = {"q", "k", "v", "o", "wi_0", "wi_1", "wo"};
    trial_.prompt.tokens = 4;
    trial_.prompt.init = "random";
    T5Config config;
    config.vocab_size = 120;
    config.d_model = 16;
    config.d_kv = 4;
    config.d_ff = 24;
    config.num_heads = 2;
    config.num_layers = 4;
    config.num_decoder_layers = 3;
    config.gated = true;
    config.activation = "gelu_new";
    config_ = config;
  }

  void Build(at::ScalarType compute) {
    model_ = T5::Initialize(config_, 3, {.compute = compute, .trainable = GetParam() == Method::kFull});
    parameters_ = model_->parameters();
    if (GetParam() == Method::kFull) return;
    adapter_ = CreateAdapter(trial_, *model_).value();
    parameters_ = adapter_->parameters();
    const at::NoGradGuard no_grad;
    at::manual_seed(1);
    for (auto& [name, parameter] : parameters_) parameter.normal_(0, 0.3);  // lora_B starts as zeros
  }

  static Batch MakeInput(std::int64_t documents, std::int64_t length) {
    at::manual_seed(2);
    Batch batch;
    batch.source = at::randint(3, 120, {documents, length}, at::kLong);
    batch.target = at::randint(3, 120, {documents, length / 2}, at::kLong);
    batch.source_mask =
        at::arange(length).unsqueeze(0) < at::arange(length, length - documents, -1).unsqueeze(1);
    batch.target_mask =
        at::arange(length / 2).unsqueeze(0) < at::arange(length / 2, length / 2 - documents, -1).unsqueeze(1);
    return batch;
  }

  // Two micro-batches: gradients are added up across them.
  float Run(bool checkpointing) {
    DropoutStream dropout(9, 0.25);
    float total = 0;
    for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
    for (const std::int64_t first : {0, 3}) {
      dropout.Rekey(5, first);
      const TokenLoss loss =
          Loss(*model_, MakeInput(3, 12 + first),
               {.adapter = adapter_.get(), .dropout = &dropout, .gradient_checkpointing = checkpointing});
      loss.sum.backward();
      total += loss.sum.item<float>();
    }
    return total;
  }

  void ExpectTheSame(at::ScalarType compute) {
    Build(compute);
    const float plain = Run(false);
    std::map<std::string, at::Tensor> gradients;
    for (const auto& [name, parameter] : parameters_) {
      if (parameter.grad().defined()) gradients[name] = parameter.grad().clone();
    }
    EXPECT_FALSE(gradients.empty());
    EXPECT_EQ(Run(true), plain);
    for (const auto& [name, parameter] : parameters_) {
      ASSERT_EQ(parameter.grad().defined(), gradients.contains(name)) << name;
      if (parameter.grad().defined()) {
        EXPECT_TRUE(at::equal(parameter.grad(), gradients[name]))
            << name << " " << (parameter.grad() - gradients[name]).abs().max().item<float>();
      }
    }
  }

  Trial trial_;
  T5Config config_;
  std::unique_ptr<T5> model_;
  std::unique_ptr<Adapter> adapter_;
  std::map<std::string, at::Tensor> parameters_;
};

TEST_P(ActivationCheckpointTest, TheSameBitsInFp32) { ExpectTheSame(at::kFloat); }
TEST_P(ActivationCheckpointTest, TheSameBitsInBf16) { ExpectTheSame(at::kBFloat16); }

TEST_P(ActivationCheckpointTest, TakesFarLessMemory) {
  CpuMemory& memory = CpuMemory::Install();
  config_.num_layers = config_.num_decoder_layers = 8;
  Build(at::kFloat);
  const auto peak = [&](bool checkpointing) {
    const Batch batch = MakeInput(16, 128);
    const ForwardContext context{.adapter = adapter_.get(), .gradient_checkpointing = checkpointing};
    for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = at::zeros_like(parameter);
    memory.ResetPeak();
    const std::int64_t before = memory.tensors();
    Loss(*model_, batch, context).sum.backward();
    return memory.peak_tensors() - before;
  };
  const auto without = static_cast<double>(peak(false)), with = static_cast<double>(peak(true));
  EXPECT_LT(with, 0.5 * without);
  RecordProperty("share", std::to_string(with / without));
}

TEST_P(ActivationCheckpointTest, WithoutGradientsItIsNotUsed) {
  Build(at::kFloat);
  const at::NoGradGuard no_grad;
  bool called = false;
  const ForwardContext context{.gradient_checkpointing = true};
  const at::Tensor y = RunPart(context,
                               [&](const std::vector<at::Tensor>& in) {
                                 called = true;
                                 return in[0] * 2;
                               },
                               {at::ones({2})});
  EXPECT_TRUE(called);
  EXPECT_FALSE(y.requires_grad());
}

INSTANTIATE_TEST_SUITE_P(Methods, ActivationCheckpointTest,
                         testing::Values(Method::kFull, Method::kLora, Method::kPrompt),
                         [](const auto& method) { return MethodName(method.param); });

}  // namespace
}  // namespace lorikeet::trainer
