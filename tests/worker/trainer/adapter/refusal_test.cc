// What LoadAdapter refuses, and that it says why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/parity/goldens.h"
#include "worker/trainer/adapter/adapter.h"

namespace lorikeet::trainer {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class RefusalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        ::testing::TempDir() + "refusal-" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    model_ = GoldenModel("t5_v1_0");
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A copy of a golden adapter with `changes` merged into its adapter_config.json.
  Status Load(const std::string& kind, const nlohmann::json& changes) {
    fs::remove_all(folder_);
    fs::copy(Golden("t5_v1_0/" + kind + "/start"), folder_);
    nlohmann::json config = GoldenJson("t5_v1_0/" + kind + "/start/adapter_config.json");
    config.merge_patch(changes);
    std::ofstream(folder_ + "/adapter_config.json") << config;
    return LoadAdapter(folder_, *model_).status();
  }
  Status LoadWith(const std::string& kind,
                  const std::function<void(std::map<std::string, at::Tensor>&)>& change) {
    EXPECT_TRUE(Load(kind, nlohmann::json::object()).ok());
    auto tensors = GoldenTensors("t5_v1_0/" + kind + "/start/adapter_model.safetensors");
    change(tensors);
    EXPECT_TRUE(WriteTensors(folder_ + "/adapter_model.safetensors", tensors, at::kFloat).ok());
    return LoadAdapter(folder_, *model_).status();
  }

  std::string folder_;
  std::unique_ptr<T5> model_;
};

TEST_F(RefusalTest, NamesWhatIsNotSupported) {
  const nlohmann::json unsupported = {{"use_dora", true},
                                      {"modules_to_save", {"lm_head"}},
                                      {"bias", "lora_only"},
                                      {"lora_bias", true},
                                      {"trainable_token_indices", {1, 2}},
                                      {"layer_replication", {{0, 1}}},
                                      {"target_parameters", {"x"}},
                                      {"fan_in_fan_out", true},
                                      {"use_qalora", true},
                                      {"init_lora_weights", "pissa"},
                                      {"something_of_the_future", 3}};
  for (const auto& [key, value] : unsupported.items()) {
    const Status status = Load("lora", {{key, value}});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << key;
    EXPECT_THAT(Message(status), HasSubstr(key));
    EXPECT_THAT(Message(status), HasSubstr("adapter_config.json"));
  }
  EXPECT_THAT(Message(Load("lora", {{"peft_type", "IA3"}})), HasSubstr("IA3"));
  EXPECT_THAT(Message(Load("lora", {{"task_type", "CAUSAL_LM"}})), HasSubstr("CAUSAL_LM"));
  EXPECT_THAT(Message(Load("lora", {{"r", 0}})), HasSubstr("r: 0 given"));
  EXPECT_THAT(Message(Load("prompt", {{"num_virtual_tokens", "5"}})), HasSubstr("num_virtual_tokens"));
}

TEST_F(RefusalTest, ShapesThatDoNotFitWithBoth) {
  EXPECT_THAT(Message(Load("lora", {{"r", 4}})),
              HasSubstr("is [3, 16], rank 4 on this model asks for [4, 16]"));
  EXPECT_THAT(Message(Load("prompt", {{"num_virtual_tokens", 7}})),
              HasSubstr("is [10, 16], num_virtual_tokens 7 on this model asks for [7, 16] or [14, 16]"));
  const auto other = GoldenModel("t5_v1_1");
  EXPECT_FALSE(LoadAdapter(Golden("t5_v1_0/lora/start"), *other).ok());
  EXPECT_FALSE(LoadAdapter(Golden("t5_v1_0/prompt/start"), *other).ok());
}

TEST_F(RefusalTest, MissingAndExtraTensors) {
  const std::string name = "base_model.model.decoder.block.1.layer.1.EncDecAttention.v.lora_B.weight";
  const auto drop = [&](auto& tensors) { EXPECT_EQ(tensors.erase(name), 1u); };
  EXPECT_THAT(Message(LoadWith("lora", drop)), HasSubstr(name + " is missing"));
  const auto embedding = [&](auto& tensors) {
    tensors["base_model.model.shared.lora_embedding_A"] = at::zeros({3, 53});
  };
  EXPECT_THAT(Message(LoadWith("lora", embedding)), HasSubstr("shared.lora_embedding_A"));
  const auto head = [&](auto& tensors) {
    tensors["base_model.model.lm_head.lora_A.weight"] = at::zeros({3, 16});
  };
  EXPECT_THAT(Message(LoadWith("lora", head)), HasSubstr("lm_head.lora_B.weight is missing"));
  const auto magnitude = [&](auto& tensors) {
    tensors["base_model.model.encoder.block.0.layer.0.SelfAttention.q.lora_magnitude_vector"] =
        at::zeros({15});
  };
  EXPECT_THAT(Message(LoadWith("lora", magnitude)), HasSubstr("lora_magnitude_vector"));
  const auto extra = [&](auto& tensors) { tensors["more"] = at::zeros({1}); };
  EXPECT_THAT(Message(LoadWith("prompt", extra)), HasSubstr("more"));
  fs::remove(folder_ + "/adapter_model.safetensors");
  EXPECT_THAT(Message(LoadAdapter(folder_, *model_).status()), HasSubstr("adapter_model.safetensors"));
}

// PEFT puts the base's head into the file where it is adapted.
TEST_F(RefusalTest, AHeadOfAnotherModel) {
  const auto load = [&](double factor) {
    return LoadWith("lora_head", [&](auto& tensors) {
      EXPECT_EQ(tensors.count("base_model.model.lm_head.base_layer.weight"), 1u);
      tensors["base_model.model.lm_head.base_layer.weight"] *= factor;
    });
  };
  EXPECT_TRUE(load(1).ok()) << load(1);
  EXPECT_THAT(Message(load(2)), HasSubstr("lm_head.base_layer.weight [53, 16] is not this model's"));
}

TEST_F(RefusalTest, PromptsOfOnceAndTwiceTheRowsAreOne) {
  const Batch batch = MakeBatch(GoldenJson("t5_v1_0/forward.json"));
  ASSERT_TRUE(LoadWith("prompt", [](auto& tensors) {
                tensors["prompt_embeddings"] = tensors["prompt_embeddings"].narrow(0, 0, 5);
              }).ok());
  const auto once = LoadAdapter(folder_, *model_);
  const auto twice = LoadAdapter(Golden("t5_v1_0/prompt/start"), *model_);
  ASSERT_TRUE(once.ok() && twice.ok());
  EXPECT_TRUE(at::equal((*once)->Prompt(), (*twice)->Prompt()));
}

// PEFT fills eva_config in by itself; how A was initialised changes nothing of a finished adapter.
TEST_F(RefusalTest, AnInitialisationThatLeavesTheBaseAloneIsNoReason) {
  EXPECT_TRUE(Load("lora", {{"init_lora_weights", "eva"}, {"eva_config", {{"rho", 2.0}}}}).ok());
}

TEST_F(RefusalTest, RankStabilisedAndPatternsAreSupported) {
  const auto delta = [&](const std::string& module) {
    const auto adapter = LoadAdapter(folder_, *model_);
    EXPECT_TRUE(adapter.ok()) << adapter.status();
    return (*adapter)->Delta(module, at::ones({1, 16}), nullptr);
  };
  const std::string first = "encoder.block.0.layer.0.SelfAttention.q",
                    second = "encoder.block.1.layer.0.SelfAttention.q";
  ASSERT_TRUE(Load("lora", nlohmann::json::object()).ok());
  const at::Tensor plain = delta(first), other = delta(second);
  ASSERT_TRUE(Load("lora", {{"use_rslora", true}}).ok());
  EXPECT_TRUE(at::allclose(delta(first), plain * std::sqrt(3.0), 1e-5, 1e-6));
  ASSERT_TRUE(Load("lora", {{"alpha_pattern", {{"block.0.layer.0.SelfAttention.q", 50}}}}).ok());
  EXPECT_TRUE(at::allclose(delta(first), plain * 10, 1e-5, 1e-6));  // 50 instead of 5
  EXPECT_TRUE(at::allclose(delta(second), other));
  ASSERT_TRUE(Load("lora", {{"r", 9}, {"rank_pattern", {{"q|v|wi|wo", 3}}}, {"lora_alpha", 5}}).ok());
  EXPECT_TRUE(at::allclose(delta(first), plain));
}

// Python's expressions, of which ECMAScript spells some otherwise.
TEST_F(RefusalTest, PatternsArePythonsExpressions) {
  const auto scaled_by = [&](const nlohmann::json& patterns) {
    const std::string module = "encoder.block.0.layer.0.SelfAttention.q";
    const auto delta = [&] {
      return (*LoadAdapter(folder_, *model_))->Delta(module, at::ones({1, 16}), nullptr);
    };
    EXPECT_TRUE(Load("lora", nlohmann::json::object()).ok());
    const at::Tensor plain = delta();
    const Status status = Load("lora", {{"alpha_pattern", patterns}});
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) return 0.0;
    return (delta().norm() / plain.norm()).item<double>();
  };
  EXPECT_NEAR(scaled_by({{R"((?P<stack>encoder|decoder)\.block\.\d+\..*)", 50}}), 10, 1e-4);
  EXPECT_NEAR(scaled_by({{R"(\Aencoder\..*\.q\Z)", 50}}), 10, 1e-4);
  EXPECT_NEAR(scaled_by({{R"(^encoder\..*\.q$)", 50}}), 10, 1e-4);
  EXPECT_NEAR(scaled_by({{"Attention.q", 50}}), 1, 1e-4);  // not after a dot
  EXPECT_NEAR(scaled_by({{"encoder", 50}}), 1, 1e-4);      // not at the end
  const Status behind = Load("lora", {{"alpha_pattern", {{"(?<!Self)Attention", 50}}}});
  EXPECT_THAT(Message(behind), HasSubstr("alpha_pattern"));
  EXPECT_THAT(Message(behind), HasSubstr("(?<!Self)Attention"));
}

}  // namespace
}  // namespace lorikeet::trainer
