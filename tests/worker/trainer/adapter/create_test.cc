// What a fresh adapter starts from.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/parity/goldens.h"
#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {
namespace {

Trial LoraTrial(std::int64_t seed, std::vector<std::string> targets) {
  Trial trial;
  trial.method = Method::kLora;
  trial.seed = seed;
  trial.lora.rank = 4;
  trial.lora.alpha = 8;
  trial.lora.targets = std::move(targets);
  return trial;
}

Trial PromptTrial(std::int64_t seed, const std::string& init) {
  Trial trial;
  trial.method = Method::kPrompt;
  trial.seed = seed;
  trial.prompt.tokens = 12;
  trial.prompt.init = init;
  return trial;
}

TEST(CreateAdapterTest, LoraStartsAsPeftStartsIt) {
  const auto model = GoldenModel("t5_v1_1");
  const auto adapter = CreateAdapter(LoraTrial(7, {"q", "wo"}), *model);
  ASSERT_TRUE(adapter.ok()) << adapter.status();
  // q: 3 encoder blocks, 2 decoder blocks of two attentions; wo: one a block. An A and a B for each.
  EXPECT_EQ((*adapter)->parameters().size(), 2u * ((3 + 2 * 2) + (3 + 2)));
  std::int64_t count = 0;
  for (const auto& [name, tensor] : (*adapter)->parameters()) {
    count += tensor.numel();
    EXPECT_TRUE(name.starts_with("base_model.model.")) << name;
    EXPECT_TRUE(tensor.requires_grad());
    if (name.ends_with("lora_B.weight")) {
      EXPECT_EQ(tensor.abs().max().item<float>(), 0) << name;
    } else {
      const double bound = 1 / std::sqrt(static_cast<double>(tensor.size(1)));
      EXPECT_LE(tensor.abs().max().item<double>(), bound) << name;
      EXPECT_NEAR(tensor.std().item<double>(), bound / std::sqrt(3.0), 0.2 * bound) << name;  // uniform
    }
  }
  EXPECT_EQ((*adapter)->parameter_count(), count);
  EXPECT_TRUE((*adapter)->parameters().contains(
      "base_model.model.encoder.block.0.layer.0.SelfAttention.q.lora_A.weight"));
  // With B zero, nothing changes yet.
  const Batch batch = MakeBatch(GoldenJson("t5_v1_1/forward.json"));
  EXPECT_TRUE(at::equal(AllLogits(*model, batch), AllLogits(*model, batch, {adapter->get(), nullptr})));
}

TEST(CreateAdapterTest, TheSeedDecides) {
  const auto model = GoldenModel("t5_v1_0");
  const std::string name = "base_model.model.encoder.block.0.layer.0.SelfAttention.q.lora_A.weight";
  const auto lora = [&](std::int64_t seed) {
    return (*CreateAdapter(LoraTrial(seed, {"q"}), *model))->parameters().at(name);
  };
  EXPECT_TRUE(at::equal(lora(1), lora(1)));
  EXPECT_FALSE(at::equal(lora(1), lora(2)));
  for (const char* init : {"random", "vocabulary"}) {
    const auto prompt = [&](std::int64_t seed) {
      return (*CreateAdapter(PromptTrial(seed, init), *model))->Prompt();
    };
    EXPECT_TRUE(at::equal(prompt(1), prompt(1)));
    EXPECT_FALSE(at::equal(prompt(1), prompt(2)));
  }
}

TEST(CreateAdapterTest, APromptOfTheVocabularyHoldsItsRows) {
  const auto model = GoldenModel("t5_v1_0");
  const auto adapter = CreateAdapter(PromptTrial(3, "vocabulary"), *model);
  ASSERT_TRUE(adapter.ok()) << adapter.status();
  const at::Tensor rows = (*adapter)->Prompt(), shared = model->parameters().at("shared.weight");
  ASSERT_EQ(rows.sizes(), (at::IntArrayRef{12, model->config().d_model}));
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    EXPECT_TRUE((shared == rows[i]).all(1).any().item<bool>()) << "row " << i;
  }
  EXPECT_EQ((*adapter)->parameter_count(), 12 * model->config().d_model);
}

TEST(CreateAdapterTest, RefusesTargetsThatTheModelLacks) {
  const auto model = GoldenModel("t5_v1_0");
  const auto adapter = CreateAdapter(LoraTrial(1, {"q", "wi_0"}), *model);
  EXPECT_EQ(adapter.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(Message(adapter.status()).find("wi_0"), std::string::npos) << adapter.status();
  Trial full;
  EXPECT_FALSE(CreateAdapter(full, *model).ok());
}

TEST(CreateAdapterTest, LoraDropoutActsOnTheInputOfAOnly) {
  const auto model = GoldenModel("t5_v1_0");
  Trial trial = LoraTrial(1, {"q"});
  trial.lora.dropout = 0.5;
  const auto adapter = CreateAdapter(trial, *model);
  ASSERT_TRUE(adapter.ok()) << adapter.status();
  const std::string module = "encoder.block.0.layer.0.SelfAttention.q";
  const at::NoGradGuard no_grad;
  const auto& parameters = (*adapter)->parameters();
  at::Tensor a = parameters.at("base_model.model." + module + ".lora_A.weight");
  at::Tensor b = parameters.at("base_model.model." + module + ".lora_B.weight");
  b.fill_(1);
  const at::Tensor x = at::ones({64, a.size(1)});
  DropoutStream dropout(9, /*rate=*/0);  // the base's dropout is off; LoRA's is its own
  const at::Tensor dropped = (*adapter)->Delta(module, x, &dropout);
  const at::Tensor whole = (*adapter)->Delta(module, x, nullptr);
  EXPECT_FALSE(at::allclose(dropped, whole));
  EXPECT_TRUE(
      at::allclose(whole, 2.0 * at::matmul(at::matmul(x, a.t()), b.t()), 1e-5, 1e-6));  // alpha / rank = 2
  EXPECT_FALSE((*adapter)->Delta("encoder.block.0.layer.0.SelfAttention.k", x, nullptr).defined());
}

}  // namespace
}  // namespace lorikeet::trainer
