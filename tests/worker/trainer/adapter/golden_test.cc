// Adapters that PEFT wrote compute here what they computed there (tests/parity).
#include <gtest/gtest.h>

#include "tests/parity/goldens.h"
#include "worker/trainer/adapter/adapter.h"
#include "worker/trainer/generate/generate.h"

namespace lorikeet::trainer {
namespace {

// Model and kind of adapter (kGoldenAdapters).
class AdapterGoldenTest : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  std::string Folder() const { return std::get<0>(GetParam()) + "/" + std::get<1>(GetParam()) + "/"; }
  at::Tensor Expected() const { return GoldenTensors(Folder() + "logits.safetensors").at("logits"); }
};

TEST_P(AdapterGoldenTest, LogitsAndSummaries) {
  const auto model = GoldenModel(std::get<0>(GetParam()));
  const auto adapter = LoadAdapter(Golden(Folder() + "start"), *model);
  ASSERT_TRUE(adapter.ok()) << adapter.status();
  const ForwardContext context{adapter->get(), nullptr};
  const Batch batch = AdapterBatch(std::get<0>(GetParam()));
  const at::Tensor logits = RealRows(AllLogits(*model, batch, context), batch);
  EXPECT_TRUE(IsClose(logits, Expected()));
  EXPECT_GT(Deviation(RealRows(AllLogits(*model, batch), batch), Expected()), 0.01)
      << "the adapter does nothing";
  printf("%s logits deviate by %.2g\n", Folder().c_str(), Deviation(logits, Expected()));

  const nlohmann::json golden = GoldenJson(Folder() + "generate.json");
  const Rows sources = golden["sources"].get<Rows>();
  for (const nlohmann::json& item : golden["cases"]) {
    const auto summaries = Generate(*model, context, sources, GoldenSettings(item["settings"]));
    for (std::size_t i = 0; i < sources.size(); ++i) {
      EXPECT_EQ(summaries[i].tokens, item["summaries"][i].get<std::vector<text::TokenId>>())
          << item["settings"] << ", document " << i;
    }
  }
}

TEST_P(AdapterGoldenTest, SavedAndLoadedItIsTheSame) {
  const auto model = GoldenModel(std::get<0>(GetParam()));
  const auto adapter = LoadAdapter(Golden(Folder() + "start"), *model);
  ASSERT_TRUE(adapter.ok()) << adapter.status();
  const SaveFolder folder("adapter-" + std::get<0>(GetParam()) + "-" + std::get<1>(GetParam()));
  const std::string& saved = folder.path();
  ASSERT_TRUE((*adapter)->Save(saved, "/models/base").ok());
  const auto again = LoadAdapter(saved, *model);
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_EQ((*again)->parameters().size(), (*adapter)->parameters().size());
  for (const auto& [name, tensor] : (*adapter)->parameters()) {
    ASSERT_TRUE((*again)->parameters().contains(name)) << name;
    EXPECT_TRUE(at::equal((*again)->parameters().at(name), tensor)) << name;
    EXPECT_TRUE((*again)->parameters().at(name).requires_grad()) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Adapters, AdapterGoldenTest,
                         ::testing::Combine(::testing::ValuesIn(kTrainedGoldenModels),
                                            ::testing::ValuesIn(kGoldenAdapters)),
                         [](const auto& instance) {
                           return std::get<0>(instance.param) + "_" + std::get<1>(instance.param);
                         });

TEST(MergeTest, FoldedIntoTheWeightsTheLogitsStay) {
  for (const std::string& name : kTrainedGoldenModels) {
    for (const std::string& kind : kGoldenAdapters) {
      SCOPED_TRACE(name + " " + kind);
      const auto model = GoldenModel(name);
      const auto adapter = LoadAdapter(Golden(name + "/" + kind + "/start"), *model);
      ASSERT_TRUE(adapter.ok()) << adapter.status();
      const Batch batch = AdapterBatch(name);
      const at::Tensor before = AllLogits(*model, batch);
      const Status status = MergeAdapter(**adapter, *model);
      const bool tied_head = kind == "lora_head" && model->config().tie_word_embeddings;
      if (tied_head || kind.starts_with("prompt")) {
        EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
        EXPECT_TRUE(at::equal(AllLogits(*model, batch), before));
        continue;
      }
      ASSERT_TRUE(status.ok()) << status;
      const at::Tensor expected = GoldenTensors(name + "/" + kind + "/logits.safetensors").at("logits");
      EXPECT_TRUE(IsClose(RealRows(AllLogits(*model, batch), batch), expected));
    }
  }
}

}  // namespace
}  // namespace lorikeet::trainer
