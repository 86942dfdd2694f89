// The loops that replace several tensor operations give what those give, at lengths around their strands.
#include "worker/trainer/model/row_kernels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/parity/goldens.h"
#include "worker/trainer/model/fused_attention.h"
#include "worker/trainer/model/layer_norm.h"

namespace lorikeet::trainer {
namespace {

constexpr std::int64_t kLengths[] = {1, 2, 31, 32, 33, 64, 100, 257};

TEST(RowKernelsTest, Softmax) {
  at::manual_seed(1);
  for (const std::int64_t n : kLengths) {
    at::Tensor scores = at::randn({n}) * 10, position = at::randn({n}), mask = at::zeros({n});
    if (n > 2) mask[1] = std::numeric_limits<float>::lowest();
    const at::Tensor expected = at::softmax((scores + position + mask).to(at::kDouble), -1);
    SoftmaxRow(n, position.const_data_ptr<float>(), mask.const_data_ptr<float>(), scores.data_ptr<float>());
    EXPECT_TRUE(IsClose(scores, expected, 1e-6)) << n;
    if (n > 2) {
      EXPECT_EQ(scores[1].item<float>(), 0);
    }
  }
  // Everything masked out: finite, as transformers leaves it.
  at::Tensor scores = at::full({40}, std::numeric_limits<float>::lowest());
  SoftmaxRow(40, nullptr, nullptr, scores.data_ptr<float>());
  EXPECT_TRUE(at::allclose(scores, at::full({40}, 1.0 / 40)));
}

TEST(RowKernelsTest, ScoresAndMixtures) {
  at::manual_seed(2);
  for (const std::int64_t keys : {1, 5, 64, 150}) {
    for (const std::int64_t width : kLengths) {
      const at::Tensor query = at::randn({width}), key = at::randn({keys, width}),
                       weights = at::randn({keys});
      const at::Tensor columns = key.t().contiguous();
      at::Tensor scores = at::empty({keys}), same = at::empty({keys}), out = at::empty({width});
      ScoreKeys(keys, width, query.const_data_ptr<float>(), key.const_data_ptr<float>(),
                scores.data_ptr<float>());
      ScoreColumns(keys, width, query.const_data_ptr<float>(), columns.const_data_ptr<float>(),
                   same.data_ptr<float>());
      MixValues(keys, width, weights.const_data_ptr<float>(), key.const_data_ptr<float>(),
                out.data_ptr<float>());
      EXPECT_TRUE(IsClose(scores, at::mv(key, query), 1e-5)) << width;
      EXPECT_TRUE(IsClose(same, at::mv(key, query), 1e-5)) << width;
      EXPECT_TRUE(IsClose(out, at::mv(key.t(), weights), 1e-5)) << width;
    }
  }
}

TEST(RowKernelsTest, NormAndItsGradients) {
  at::manual_seed(3);
  for (const std::int64_t width : kLengths) {
    const at::Tensor x = at::randn({3, 70, width}).set_requires_grad(true);
    const at::Tensor weight = at::randn({width}).set_requires_grad(true), g = at::randn({3, 70, width});
    const auto gradients = [&](const at::Tensor& y) {
      x.mutable_grad().reset();
      weight.mutable_grad().reset();
      y.backward(g);
      return std::pair(x.grad().clone(), weight.grad().clone());
    };
    const at::Tensor fused = Apply(LayerNorm{weight, 1e-6}, x);
    const auto [gx, gweight] = gradients(fused);
    const at::Tensor plain = weight * (x * at::rsqrt(x.square().mean(-1, true) + 1e-6));
    const auto [expected_gx, expected_gweight] = gradients(plain);
    EXPECT_TRUE(IsClose(fused, plain, 1e-6)) << width;
    // A single element's norm is its sign: its gradient is all rounding.
    if (width > 1) {
      EXPECT_TRUE(IsClose(gx, expected_gx, 1e-5)) << width;
    }
    EXPECT_TRUE(IsClose(gweight, expected_gweight, 1e-5)) << width;
  }
}

// Blocks of every kind: several heads at once, one head in pieces, keys cut at a document's end; with
// dropout, whose mask the reference draws by the same numbers.
TEST(RowKernelsTest, AttentionAndItsGradients) {
  at::manual_seed(4);
  struct Case {
    std::int64_t documents, heads, queries, keys, width;
    bool position, mask;
    double rate;
  };
  for (const Case& c : {Case{2, 5, 7, 9, 6, true, true, 0}, Case{2, 3, 40, 3000, 4, true, true, 0.2},
                        Case{1, 2, 33, 70, 32, false, false, 0.3}, Case{3, 2, 1, 12, 8, false, true, 0}}) {
    const auto leaf = [](const at::Tensor& x) { return x.detach().set_requires_grad(true); };
    // As projections are laid out: [B, n, H·K] seen by heads.
    const auto projected = [&](std::int64_t n) {
      return leaf(at::randn({c.documents, n, c.heads * c.width}));
    };
    const at::Tensor q = projected(c.queries), k = projected(c.keys), v = projected(c.keys);
    const auto heads = [&](const at::Tensor& x) {
      return x.view({c.documents, x.size(1), c.heads, c.width}).transpose(1, 2);
    };
    const at::Tensor position = c.position ? leaf(at::randn({1, c.heads, c.queries, c.keys})) : at::Tensor();
    at::Tensor mask;
    if (c.mask) {
      mask = at::zeros({c.documents, 1, 1, c.keys});
      mask[0].slice(-1, c.keys / 2).fill_(std::numeric_limits<float>::lowest());
      mask.select(-1, 1).fill_(std::numeric_limits<float>::lowest());  // a hole
    }
    DropoutMask dropout;
    at::Tensor kept = at::ones({c.documents, c.heads, c.queries, c.keys});
    if (c.rate > 0) {
      dropout = {99, static_cast<std::uint32_t>(c.rate * 65536), static_cast<float>(1 / (1 - c.rate))};
      for (std::int64_t row = 0; row < c.documents * c.heads * c.queries; ++row) {
        float* const data = kept.data_ptr<float>() + row * c.keys;
        DropRow(dropout, static_cast<std::uint64_t>(row), c.keys, data, data);
      }
    }
    std::vector<at::Tensor> leaves = {q, k, v};
    if (c.position) leaves.push_back(position);
    const at::Tensor g = at::randn({c.documents, c.queries, c.heads * c.width});
    const auto gradients = [&](const at::Tensor& y) {
      for (const at::Tensor& x : leaves) x.mutable_grad().reset();
      y.backward(g);
      std::vector<at::Tensor> result;
      for (const at::Tensor& x : leaves) result.push_back(x.grad().clone());
      return result;
    };
    const at::Tensor fused = FusedAttention(heads(q), heads(k), heads(v), position, mask, dropout);
    const auto actual = gradients(fused);
    at::Tensor scores = at::matmul(heads(q), heads(k).transpose(2, 3));
    if (c.position) scores = scores + position;
    if (c.mask) scores = scores + mask;
    const at::Tensor plain = at::matmul(at::softmax(scores, -1) * kept, heads(v)).transpose(1, 2).flatten(2);
    const auto expected = gradients(plain);
    EXPECT_TRUE(IsClose(fused, plain, 1e-5));
    for (std::size_t i = 0; i < leaves.size(); ++i) EXPECT_TRUE(IsClose(actual[i], expected[i], 1e-5)) << i;
  }
}

}  // namespace
}  // namespace lorikeet::trainer
