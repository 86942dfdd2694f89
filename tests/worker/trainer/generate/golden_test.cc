// Summaries token for token as transformers' generate gives them (tests/parity), and independent of the
// batch.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "tests/parity/goldens.h"
#include "worker/trainer/adapter/adapter.h"
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

std::vector<std::int64_t> Column(const at::Tensor& x, std::int64_t column) {
  const at::Tensor values = x.select(1, column).contiguous();
  return {values.const_data_ptr<std::int64_t>(), values.const_data_ptr<std::int64_t>() + values.numel()};
}

// Both kinds of decoding give what a whole teacher-forced pass gives.
TEST_P(GenerateGoldenTest, StepsAreThePassAtOnce) {
  const auto model = GoldenModel(GetParam());
  const nlohmann::json golden = GoldenJson(GetParam() + "/forward.json");
  const Batch batch = MakeBatch(golden);
  const at::Tensor expected = AllLogits(*model, batch);
  const at::NoGradGuard no_grad;
  for (const DecodingKind kind : {DecodingKind::kSteps, DecodingKind::kTensors}) {
    const auto decoding = model->StartDecoding(model->Encode(batch.source, batch.source_mask, {}), {}, kind);
    std::vector<std::int64_t> tokens(static_cast<std::size_t>(batch.target.size(0)),
                                     model->config().decoder_start_token_id);
    for (std::int64_t step = 0; step < batch.target.size(1); ++step) {
      EXPECT_TRUE(IsClose(decoding->Step(tokens), expected.select(1, step), 1e-5)) << "step " << step;
      tokens = Column(batch.target, step);
    }
  }
}

// Rows that swap, double and leave, over more steps than caches first hold: both kinds of decoding follow
// alike, adapted or not, and in bf16 they stay near.
TEST_P(GenerateGoldenTest, BothKindsFollowTheirRows) {
  for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
    LoadOptions options;
    options.compute = compute;
    const auto model = T5::Initialize(GoldenModel(GetParam())->config(), 5, options);
    Trial trial;
    trial.method = Method::kLora;
    trial.lora.targets = {"q", "v", "wo"};
    auto adapter = *CreateAdapter(trial, *model);
    {
      const at::NoGradGuard no_grad;
      for (const auto& [name, parameter] : adapter->parameters()) at::Tensor(parameter).uniform_(-0.1, 0.1);
    }
    const Batch batch = MakeBatch(GoldenJson(GetParam() + "/forward.json"));
    const ForwardContext context{.adapter = adapter.get()};
    const at::NoGradGuard no_grad;
    const EncoderOutput encoder = model->Encode(batch.source, batch.source_mask, context);
    const auto steps = model->StartDecoding(encoder, context, DecodingKind::kSteps);
    const auto tensors = model->StartDecoding(encoder, context, DecodingKind::kTensors);
    std::vector<std::int64_t> documents(static_cast<std::size_t>(batch.source.size(0)));
    std::iota(documents.begin(), documents.end(), 0);
    std::vector<std::int64_t> tokens(documents.size(), model->config().decoder_start_token_id);
    std::mt19937 random(7);
    std::int64_t hypotheses = 1;
    for (int step = 0; step < 70; ++step) {
      const at::Tensor ours = steps->Step(tokens), expected = tensors->Step(tokens);
      ASSERT_TRUE(IsClose(ours, expected, compute == at::kFloat ? 1e-5 : 0.03)) << "step " << step;
      if (step == 40) documents.erase(documents.begin());
      std::vector<std::int64_t> kept(documents.size());
      std::iota(kept.begin(), kept.end(), step == 40 ? 1 : 0);
      std::vector<std::int64_t> rows;
      const std::int64_t former = hypotheses;
      hypotheses = 2;
      for (const std::int64_t document : kept) {
        for (std::int64_t h = 0; h < hypotheses; ++h) {
          rows.push_back(document * former + static_cast<std::int64_t>(random()) % former);
        }
      }
      steps->Select(rows, kept);
      tensors->Select(rows, kept);
      tokens.clear();
      for (std::size_t i = 0; i < rows.size(); ++i) {
        tokens.push_back(2 + static_cast<std::int64_t>(random()) % (model->config().vocab_size - 2));
      }
    }
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
