// The loops that replace several tensor operations give what those give, at lengths around their strands.
#include "worker/trainer/kernels/row_kernels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/parity/goldens.h"
#include "worker/trainer/model/dropout.h"
#include "worker/trainer/model/gate.h"
#include "worker/trainer/model/layer_norm.h"
#include "worker/trainer/model/token_losses.h"

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

TEST(RowKernelsTest, ScoresAndMixturesOfGatheredRows) {
  at::manual_seed(2);
  for (const std::int64_t keys : {1, 5, 64, 150}) {
    for (const std::int64_t width : kLengths) {
      const at::Tensor query = at::randn({width}), weights = at::randn({keys}),
                       all = at::randn({200, width + 3});
      const at::Tensor where = at::randint(200, {keys}, at::kLong);
      const at::Tensor rows = all.index_select(0, where).narrow(1, 0, width);
      const GatheredRows gathered{all.const_data_ptr<float>(), where.const_data_ptr<std::int64_t>(),
                                  width + 3};
      at::Tensor scores = at::empty({keys}), out = at::empty({width});
      ScoreGathered(keys, width, query.const_data_ptr<float>(), gathered, scores.data_ptr<float>());
      MixGathered(keys, width, weights.const_data_ptr<float>(), gathered, out.data_ptr<float>());
      EXPECT_TRUE(IsClose(scores, at::mv(rows, query), 1e-5)) << width;
      EXPECT_TRUE(IsClose(out, at::mv(rows.t(), weights), 1e-5)) << width;
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

// Each type and form of the middle of the feed forward, against tensor operations and autograd.
TEST(RowKernelsTest, GateAndItsGradients) {
  at::manual_seed(5);
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const double tolerance = type == at::kFloat ? 1e-5 : 1e-2;
    for (const Activation activation : {Activation::kRelu, Activation::kGeluNew}) {
      for (const bool gated : {false, true}) {
        for (const double rate : {0.0, 0.3}) {
          const auto leaf = [&] { return (at::randn({2, 9, 75}) * 3).to(type).set_requires_grad(true); };
          const at::Tensor a = leaf(), b = gated ? leaf() : at::Tensor(), g = at::randn({2, 9, 75}).to(type);
          DropoutStream stream(3, rate);
          const DropoutMask mask = stream.NextMask();
          const at::Tensor y = ApplyGate(activation, a, b, mask);
          y.backward(g);
          const at::Tensor exact_a = a.detach().to(at::kDouble).set_requires_grad(true);
          const at::Tensor exact_b =
              gated ? b.detach().to(at::kDouble).set_requires_grad(true) : at::Tensor();
          at::Tensor exact = activation == Activation::kRelu ? at::relu(exact_a) : at::gelu(exact_a, "tanh");
          if (gated) exact = exact * exact_b;
          if (rate > 0) exact = exact * DropoutFactors(mask, a.sizes(), at::kCPU);
          exact.backward(g.to(at::kDouble));
          EXPECT_EQ(y.scalar_type(), type);
          EXPECT_TRUE(IsClose(y.to(at::kFloat), exact.detach(), tolerance));
          EXPECT_TRUE(IsClose(a.grad().to(at::kFloat), exact_a.grad(), tolerance));
          if (gated) {
            EXPECT_TRUE(IsClose(b.grad().to(at::kFloat), exact_b.grad(), tolerance));
          }
        }
      }
    }
  }
}

TEST(RowKernelsTest, WhatIsNotANumberStaysSo) {
  for (const Activation activation : {Activation::kRelu, Activation::kGeluNew}) {
    at::Tensor a = at::ones({1, 1, 40});
    a[0][0][7] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(ApplyGate(activation, a, {}, {}).isnan().sum().item<std::int64_t>(), 1);
  }
}

TEST(RowKernelsTest, TokenLossesAndTheirGradients) {
  at::manual_seed(6);
  const at::Tensor hidden = at::randn({21, 16}).set_requires_grad(true);
  const at::Tensor head = at::randn({301, 16}).set_requires_grad(true);
  const at::Tensor labels = at::randint(301, {21}, at::kLong);
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    const double tolerance = compute == at::kFloat ? 1e-5 : 2e-2;
    hidden.mutable_grad().reset();
    head.mutable_grad().reset();
    const TokenLosses losses = SumTokenLosses(hidden, head, labels, compute);
    (losses.sum * 0.25).backward();
    const at::Tensor h = hidden.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor w = head.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor exact = at::cross_entropy_loss(at::linear(h, w), labels, {}, at::Reduction::None);
    (exact.sum() * 0.25).backward();
    EXPECT_TRUE(IsClose(losses.losses, exact.detach(), tolerance));
    EXPECT_TRUE(IsClose(hidden.grad(), h.grad(), tolerance));
    EXPECT_TRUE(IsClose(head.grad(), w.grad(), tolerance));
    const at::NoGradGuard no_grad;
    EXPECT_TRUE(at::equal(SumTokenLosses(hidden, head, labels, compute).losses, losses.losses));
  }
}

}  // namespace
}  // namespace lorikeet::trainer
