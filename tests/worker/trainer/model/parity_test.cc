// What the model computes, against what transformers computed for the same weights (tests/parity).
#include <gtest/gtest.h>

#include "tests/parity/goldens.h"
#include "worker/trainer/model/attention.h"
#include "worker/trainer/model/relative_position.h"

namespace lorikeet::trainer {
namespace {

TEST(ParityTest, RelativePositionBuckets) {
  const nlohmann::json golden = GoldenJson("buckets.json");
  const at::Tensor positions =
      at::arange(golden["first"].get<std::int64_t>(), golden["last"].get<std::int64_t>() + 1);
  for (const nlohmann::json& item : golden["cases"]) {
    std::vector<std::int64_t> values(static_cast<std::size_t>(positions.numel()));
    for (const nlohmann::json& run :
         item["runs"]) {  // a bucket holds from its first position to the next run's
      const std::int64_t from = run[0].get<std::int64_t>() - golden["first"].get<std::int64_t>();
      std::fill(values.begin() + from, values.end(), run[1].get<std::int64_t>());
    }
    const at::Tensor buckets =
        Buckets(positions, item["buckets"], item["max_distance"], item["bidirectional"]);
    const auto* data = buckets.const_data_ptr<std::int64_t>();
    EXPECT_EQ(values, std::vector<std::int64_t>(data, data + buckets.numel()))
        << item["buckets"] << " buckets";
  }
}

TEST(ParityTest, BackwardBiasIsWhatTheLastQueryLooksBackBy) {
  RelativePositions positions{at::randn({8, 3}), 20, /*bidirectional=*/false};
  constexpr std::int64_t kLength = 40;
  const at::Tensor relative = RelativeBias(positions, kLength);  // [heads, 2 · 40 − 1], by query − key
  EXPECT_TRUE(at::equal(BackwardBias(positions, kLength), relative.narrow(1, kLength - 1, kLength).flip(1)));
  EXPECT_TRUE(relative.narrow(1, 0, kLength - 1).eq(kMasked).all().item<bool>()) << "later keys are seen";
}

class ModelParityTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ModelParityTest, LogitsLossAndEveryGradient) {
  LoadOptions options;
  options.trainable = true;
  const auto model = GoldenModel(GetParam(), options);
  const nlohmann::json golden = GoldenJson(GetParam() + "/forward.json");
  const Batch batch = MakeBatch(golden);
  const at::Tensor expected = GoldenTensors(GetParam() + "/logits.safetensors").at("logits");
  const at::Tensor logits = AllLogits(*model, batch);
  EXPECT_TRUE(IsClose(RealRows(logits, batch), RealRows(expected, batch)));

  const TokenLoss loss = Loss(*model, batch, {});
  EXPECT_EQ(loss.tokens, batch.target_mask.sum().item<std::int64_t>());
  const double mean = loss.sum.item<double>() / static_cast<double>(loss.tokens);
  EXPECT_NEAR(mean, golden["loss"].get<double>(), kParity * golden["loss"].get<double>());
  const auto documents = golden["document_losses"].get<std::vector<double>>();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    EXPECT_NEAR(loss.per_document[static_cast<std::int64_t>(i)].item<double>(), documents[i],
                kParity * documents[i]);
  }

  (loss.sum / loss.tokens).backward();
  const auto gradients = GoldenTensors(GetParam() + "/gradients.safetensors");
  EXPECT_EQ(gradients.size(), model->parameters().size());
  double worst = 0;
  for (const auto& [name, gradient] : gradients) {
    ASSERT_TRUE(model->parameters().contains(name)) << name;
    EXPECT_TRUE(IsClose(model->parameters().at(name).grad(), gradient)) << name;
    worst = std::max(worst, Deviation(model->parameters().at(name).grad(), gradient));
  }
  printf("%s: deviations: logits %.2g, loss %.2g, worst gradient %.2g\n", GetParam().c_str(),
         Deviation(RealRows(logits, batch), RealRows(expected, batch)),
         std::abs(mean / golden["loss"].get<double>() - 1), worst);
}

// Padding and company in the batch move a document's likelihood by rounding only.
TEST_P(ModelParityTest, LikelihoodsDoNotDependOnTheBatch) {
  const auto model = GoldenModel(GetParam());
  const nlohmann::json golden = GoldenJson(GetParam() + "/forward.json");
  const Rows sources = golden["source"].get<Rows>(), targets = golden["target"].get<Rows>();
  const at::NoGradGuard no_grad;
  const at::Tensor together = Loss(*model, MakeBatch(sources, targets), {}).per_document;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Batch alone = MakeBatch({sources[i]}, {targets[i]});
    const double one = Loss(*model, alone, {}).per_document[0].item<double>();
    std::tie(alone.source, alone.source_mask) = PadRows({sources[i]}, sources[i].size() + 50);
    std::tie(alone.target, alone.target_mask) = PadRows({targets[i]}, targets[i].size() + 9);
    const double padded = Loss(*model, alone, {}).per_document[0].item<double>();
    EXPECT_NEAR(together[static_cast<std::int64_t>(i)].item<double>(), one, 1e-5 * one);
    EXPECT_NEAR(padded, one, 1e-5 * one);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ModelParityTest, ::testing::ValuesIn(kGoldenModels),
                         [](const auto& instance) { return instance.param; });

// fp32 trainable weights and bf16 products, against the same in fp32. bf16 keeps 8 bits of the mantissa: one
// rounding errs by up to 2⁻⁹ ≈ 0.2 %, and some twenty products in a row, each of rounded inputs, let it grow
// to about 1 %. Weights as transformers initialises them: those of the golden models are doubled, which
// saturates attention, and in bf16 transformers itself is 4 to 10 % off there.
TEST(Bfloat16Test, ProductsStayNear) {
  for (const std::string& name : kGoldenModels) {
    const T5Config config = GoldenModel(name)->config();
    const Batch batch = MakeBatch(GoldenJson(name + "/forward.json"));
    LoadOptions options;
    options.trainable = true;
    const auto exact = T5::Initialize(config, 3, options);
    options.compute = at::kBFloat16;
    const auto model = T5::Initialize(config, 3, options);
    const at::Tensor expected = RealRows(AllLogits(*exact, batch), batch);
    const double deviation = Deviation(RealRows(AllLogits(*model, batch), batch), expected);
    EXPECT_LT(deviation, 0.02);
    EXPECT_GT(deviation, 1e-5) << "the products were not in bf16 at all";

    const TokenLoss exact_loss = Loss(*exact, batch, {}), loss = Loss(*model, batch, {});
    EXPECT_EQ(loss.sum.scalar_type(), at::kFloat);
    EXPECT_NEAR(loss.sum.item<double>(), exact_loss.sum.item<double>(), 0.01 * exact_loss.sum.item<double>());
    exact_loss.sum.backward();
    loss.sum.backward();
    // The gradient as one vector: single norms' weights are sums of terms that nearly cancel, and err more.
    double difference = 0, norm = 0;
    for (const auto& [key, parameter] : model->parameters()) {
      EXPECT_EQ(parameter.scalar_type(), at::kFloat) << key;
      EXPECT_EQ(parameter.grad().scalar_type(), at::kFloat) << key;
      const at::Tensor gradient = exact->parameters().at(key).grad();
      difference += (parameter.grad() - gradient).square().sum().item<double>();
      norm += gradient.square().sum().item<double>();
    }
    EXPECT_LT(std::sqrt(difference / norm), 0.08);
    printf("%s: bf16 deviations: logits %.2g, gradient %.2g\n", name.c_str(), deviation,
           std::sqrt(difference / norm));

    // Frozen, the matrices are kept in bf16: half of the memory.
    options.trainable = false;
    const auto frozen = T5::Initialize(config, 3, options);
    EXPECT_EQ(frozen->parameters().at("shared.weight").scalar_type(), at::kBFloat16);
    EXPECT_EQ(frozen->parameters().at("encoder.final_layer_norm.weight").scalar_type(), at::kFloat);
    EXPECT_LT(Deviation(RealRows(AllLogits(*frozen, batch), batch), expected), 0.02);
  }
}

}  // namespace
}  // namespace lorikeet::trainer
