// What T5::Load takes, and what it refuses and how it says so; what Save writes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "tests/parity/goldens.h"

namespace lorikeet::trainer {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;
using Tensors = std::map<std::string, at::Tensor>;

constexpr const char* kModel = "t5_v1_0";

class LoadingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        ::testing::TempDir() + "loading-" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::copy(Golden(std::string(kModel) + "/model"), folder_);
    weights_ = folder_ + "/model.safetensors";
  }
  void TearDown() override { fs::remove_all(folder_); }

  Tensors Read() { return GoldenTensors(fmt::format("{}/model/model.safetensors", kModel)); }
  Status Load() { return T5::Load(folder_, {}).status(); }
  Status LoadWith(const std::function<void(Tensors&)>& change, at::ScalarType dtype = at::kFloat) {
    Tensors tensors = Read();
    change(tensors);
    EXPECT_TRUE(WriteTensors(weights_, tensors, dtype).ok());
    return Load();
  }
  Status LoadConfigured(const nlohmann::json& changes) {
    nlohmann::json config = GoldenJson(std::string(kModel) + "/model/config.json");
    config.merge_patch(changes);
    std::ofstream(folder_ + "/config.json") << config;
    return Load();
  }

  std::string folder_, weights_;
};

TEST_F(LoadingTest, NamesMissingExtraAndWronglyShapedTensors) {
  ASSERT_TRUE(Load().ok()) << Load();
  const std::string name = "decoder.block.2.layer.1.EncDecAttention.o.weight";
  Status status = LoadWith([&](Tensors& tensors) { EXPECT_EQ(tensors.erase(name), 1u); });
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr(name + " is missing, config.json asks for [16, 15]"));
  EXPECT_THAT(Message(status), HasSubstr(folder_));
  status = LoadWith([&](Tensors& tensors) { tensors["encoder.block.9.bias"] = at::zeros({2, 3}); });
  EXPECT_THAT(Message(status), HasSubstr("encoder.block.9.bias [2, 3] is not part of this T5"));
  status = LoadWith([&](Tensors& tensors) { tensors[name] = at::zeros({16, 14}); });
  EXPECT_THAT(Message(status), HasSubstr(name + " is [16, 14], config.json asks for [16, 15]"));
  // All in one go.
  status = LoadWith([&](Tensors& tensors) {
    tensors.erase(name);
    tensors["more"] = at::zeros({1});
  });
  EXPECT_THAT(Message(status), HasSubstr(name + " is missing"));
  EXPECT_THAT(Message(status), HasSubstr("more [1]"));
}

TEST_F(LoadingTest, AliasesAreTakenAndCheckedToo) {
  const auto alias = [](Tensors& tensors) {
    tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"];
    tensors["decoder.embed_tokens.weight"] = tensors["shared.weight"];
    tensors["decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"] = at::zeros({8, 3});
  };
  EXPECT_TRUE(LoadWith(alias).ok()) << LoadWith(alias);
  EXPECT_TRUE(LoadWith([&](Tensors& tensors) {
                alias(tensors);
                tensors.erase("shared.weight");
              }).ok());
  EXPECT_THAT(Message(LoadWith([](Tensors& t) {
                t["encoder.embed_tokens.weight"] = at::zeros({3, 16});
              })),
              HasSubstr("encoder.embed_tokens.weight is [3, 16], config.json asks for [53, 16]"));
}

// transformers ties a head that holds the embeddings' values, or that alone is there; and does not tie stacks
// whose embeddings differ, which we do not have.
TEST_F(LoadingTest, AHeadThatEqualsTheEmbeddingsIsTied) {
  for (const bool both : {true, false}) {
    ASSERT_TRUE(LoadWith([&](Tensors& tensors) {
                  tensors["lm_head.weight"] = tensors["shared.weight"].clone();
                  if (!both) tensors.erase("shared.weight");
                }).ok());
    const auto model = T5::Load(folder_, {});
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_TRUE((*model)->config().tie_word_embeddings);
    EXPECT_FALSE((*model)->parameters().contains("lm_head.weight"));
    EXPECT_TRUE(at::equal((*model)->parameters().at("shared.weight"), Read().at("shared.weight")));
  }
  ASSERT_TRUE(
      LoadWith([](Tensors& tensors) { tensors["lm_head.weight"] = 2 * tensors["shared.weight"]; }).ok());
  EXPECT_TRUE((*T5::Load(folder_, {}))->parameters().contains("lm_head.weight"));
  const Status status = LoadWith(
      [](Tensors& tensors) { tensors["decoder.embed_tokens.weight"] = 2 * tensors["shared.weight"]; });
  EXPECT_THAT(Message(status),
              HasSubstr("decoder.embed_tokens.weight holds other values than shared.weight"));
}

TEST_F(LoadingTest, TruncatedAndOtherBrokenFiles) {
  fs::resize_file(weights_, fs::file_size(weights_) - 100);
  EXPECT_THAT(Message(Load()), HasSubstr("model.safetensors"));
  EXPECT_FALSE(Load().ok());
  fs::resize_file(weights_, 5);
  EXPECT_FALSE(Load().ok());
  fs::remove(weights_);
  EXPECT_EQ(Load().code(), absl::StatusCode::kNotFound);
  std::ofstream(folder_ + "/pytorch_model.bin") << "x";
  EXPECT_THAT(Message(Load()), HasSubstr("safetensors"));
  EXPECT_EQ(T5::Load(folder_ + "/nowhere", {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LoadingTest, HalfPrecisionFiles) {
  const Tensors original = Read();
  for (const auto dtype : {at::kBFloat16, at::kHalf}) {
    ASSERT_TRUE(LoadWith([](Tensors&) {}, dtype).ok());
    const auto model = T5::Load(folder_, {});
    ASSERT_TRUE(model.ok());
    for (const auto& [name, tensor] : original) {
      EXPECT_TRUE(at::equal((*model)->parameters().at(name), tensor.to(dtype).to(at::kFloat))) << name;
    }
  }
  EXPECT_TRUE(WriteTensors(weights_, {{"x", at::zeros({1})}}, at::kFloat).ok());
}

TEST_F(LoadingTest, ShardsByTheirIndex) {
  const Tensors all = Read();
  Tensors first, second;
  nlohmann::json map;
  for (const auto& [name, tensor] : all) {
    const bool in_first = first.size() < all.size() / 2;
    (in_first ? first : second)[name] = tensor;
    map[name] = in_first ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  const auto write_index = [&] {
    std::ofstream(folder_ + "/model.safetensors.index.json")
        << nlohmann::json{{"metadata", {}}, {"weight_map", map}};
  };
  fs::remove(weights_);
  ASSERT_TRUE(WriteTensors(folder_ + "/model-00001-of-00002.safetensors", first, at::kFloat).ok());
  ASSERT_TRUE(WriteTensors(folder_ + "/model-00002-of-00002.safetensors", second, at::kFloat).ok());
  write_index();
  const auto model = T5::Load(folder_, {});
  ASSERT_TRUE(model.ok()) << model.status();
  for (const auto& [name, tensor] : all)
    EXPECT_TRUE(at::equal((*model)->parameters().at(name), tensor)) << name;

  map["encoder.more.weight"] = "model-00002-of-00002.safetensors";
  write_index();
  EXPECT_THAT(Message(Load()),
              HasSubstr("encoder.more.weight is missing from model-00002-of-00002.safetensors"));
  map.erase("encoder.more.weight");
  map["shared.weight"] = "../model.safetensors";
  write_index();
  EXPECT_THAT(Message(Load()), HasSubstr("shared.weight"));
}

TEST_F(LoadingTest, ConfigsThatCannotBe) {
  const nlohmann::json impossible = {{"d_model", 0},
                                     {"num_heads", "8"},
                                     {"vocab_size", 1.5},
                                     {"dropout_rate", 2},
                                     {"feed_forward_proj", "gated-silu"},
                                     {"model_type", "bart"},
                                     {"eos_token_id", 1000000},
                                     {"tie_word_embeddings", 1}};
  for (const auto& [key, value] : impossible.items()) {
    const Status status = LoadConfigured({{key, value}});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << key;
    EXPECT_THAT(Message(status), HasSubstr(key));
    EXPECT_THAT(Message(status), HasSubstr("config.json"));
  }
  // Another shape than the file's tensors have.
  EXPECT_THAT(Message(LoadConfigured({{"d_ff", 38}})), HasSubstr("config.json asks for [38, 16]"));
  std::ofstream(folder_ + "/config.json") << "{";
  EXPECT_THAT(Message(Load()), HasSubstr("not a JSON object"));
}

TEST_F(LoadingTest, SavedAndLoadedItIsTheSame) {
  std::ofstream(folder_ + "/spiece.model") << "pieces";
  for (const std::string& name : kGoldenModels) {
    const auto model = GoldenModel(name);
    const SaveFolder folder("model-" + name);
    const std::string& saved = folder.path();
    ASSERT_TRUE(model->Save(saved, folder_).ok());
    const auto again = T5::Load(saved, {});
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ((*again)->config(), model->config());
    for (const auto& [key, tensor] : model->parameters())
      EXPECT_TRUE(at::equal((*again)->parameters().at(key), tensor));
    std::ifstream config(saved + "/config.json");
    const auto json = nlohmann::json::parse(config);
    EXPECT_TRUE(json.contains("tie_word_embeddings") && json.contains("scale_decoder_outputs"));
    EXPECT_TRUE(fs::exists(saved + "/spiece.model"));
    const std::string half = folder_ + "/half";
    ASSERT_TRUE(model->Save(half, folder_, at::kBFloat16).ok());
    ASSERT_TRUE(model->Save(half, folder_, at::kBFloat16).ok());  // over the old one
    EXPECT_LT(fs::file_size(half + "/model.safetensors"),
              fs::file_size(Golden(name + "/model/model.safetensors")));
  }
  // Without a tokenizer to copy, nothing is left behind.
  EXPECT_FALSE(GoldenModel(kModel)->Save(folder_ + "/other", folder_ + "/nowhere").ok());
  EXPECT_FALSE(fs::exists(folder_ + "/other"));
}

TEST_F(LoadingTest, InitializedAsTransformersDoes) {
  T5Config config;
  config.vocab_size = 500;
  config.d_model = 64;
  config.d_kv = 8;
  config.num_heads = 4;
  config.d_ff = 128;
  config.num_layers = config.num_decoder_layers = 2;
  const auto model = T5::Initialize(config, 5, {}), same = T5::Initialize(config, 5, {}),
             other = T5::Initialize(config, 6, {});
  const auto deviation = [&](const std::string& name) {
    return model->parameters().at(name).std().item<double>();
  };
  EXPECT_NEAR(deviation("shared.weight"), 1.0, 0.05);
  EXPECT_NEAR(deviation("encoder.block.0.layer.0.SelfAttention.q.weight"), std::pow(64 * 8, -0.5), 0.005);
  EXPECT_NEAR(deviation("encoder.block.0.layer.0.SelfAttention.k.weight"), 0.125, 0.01);
  EXPECT_NEAR(deviation("encoder.block.0.layer.0.SelfAttention.o.weight"), std::pow(32, -0.5), 0.01);
  EXPECT_NEAR(deviation("decoder.block.1.layer.2.DenseReluDense.wo.weight"), std::pow(128, -0.5), 0.01);
  EXPECT_EQ(model->parameters().at("decoder.final_layer_norm.weight").min().item<float>(), 1);
  for (const auto& [name, tensor] : model->parameters()) {
    EXPECT_TRUE(at::equal(tensor, same->parameters().at(name))) << name;
  }
  EXPECT_FALSE(at::equal(model->parameters().at("shared.weight"), other->parameters().at("shared.weight")));
}

}  // namespace
}  // namespace lorikeet::trainer
