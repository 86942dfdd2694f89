// Summaries token for token as transformers' generate gives them (tests/parity), and independent of the
// batch.
#include <gtest/gtest.h>

#include "tests/parity/goldens.h"
#include "worker/trainer/generate/generate.h"

namespace lorikeet::trainer {
namespace {

// So many documents are generated for alone too.
constexpr std::size_t kAlone = 5;

class GenerateGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GenerateGoldenTest, TokenForTokenAndWhateverTheBatch) {
  const auto model = GoldenModel(GetParam());
  const nlohmann::json golden = GoldenJson(GetParam() + "/generate.json");
  const Rows sources = golden["sources"].get<Rows>();
  for (const nlohmann::json& item : golden["cases"]) {
    const EvaluateSettings settings = GoldenSettings(item["settings"]);
    const std::vector<Generated> together = Generate(*model, {}, sources, settings);
    ASSERT_EQ(together.size(), item["summaries"].size());
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto expected = item["summaries"][i].get<std::vector<text::TokenId>>();
      const bool ended = item["ended"][i].get<int>() != 0;
      EXPECT_EQ(together[i].tokens, expected) << item["settings"] << ", document " << i;
      EXPECT_EQ(together[i].ended, ended) << item["settings"] << ", document " << i;
      if (i >= kAlone) continue;
      // Alone, without any padding.
      const std::vector<Generated> alone = Generate(*model, {}, std::span(&sources[i], 1), settings);
      EXPECT_EQ(alone.front().tokens, expected) << item["settings"] << ", document " << i;
      EXPECT_EQ(alone.front().ended, ended) << item["settings"] << ", document " << i;
    }
  }
}

// The cache gives what a whole teacher-forced pass gives.
TEST_P(GenerateGoldenTest, StepsAreThePassAtOnce) {
  const auto model = GoldenModel(GetParam());
  const nlohmann::json golden = GoldenJson(GetParam() + "/forward.json");
  const Batch batch = MakeBatch(golden);
  const at::Tensor expected = AllLogits(*model, batch);
  const at::NoGradGuard no_grad;
  DecoderCache cache = model->StartDecoding(model->Encode(batch.source, batch.source_mask, {}), {});
  at::Tensor tokens = at::full({batch.target.size(0)}, model->config().decoder_start_token_id, at::kLong);
  for (std::int64_t step = 0; step < batch.target.size(1); ++step) {
    EXPECT_TRUE(IsClose(model->DecodeStep(tokens, cache, {}), expected.select(1, step), 1e-5))
        << "step " << step;
    tokens = batch.target.select(1, step);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GenerateGoldenTest, ::testing::ValuesIn(kGoldenModels),
                         [](const auto& instance) { return instance.param; });

TEST(GenerateTest, NothingAskedNothingGiven) {
  const auto model = GoldenModel("t5_v1_0");
  EXPECT_TRUE(Generate(*model, {}, {}, {}).empty());
  EvaluateSettings settings;
  settings.max_new_tokens = 0;
  const std::vector<std::vector<text::TokenId>> sources = {{5, 1}};
  EXPECT_TRUE(Generate(*model, {}, sources, settings).front().tokens.empty());
}

}  // namespace
}  // namespace lorikeet::trainer
