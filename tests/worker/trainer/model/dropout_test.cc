#include "worker/trainer/model/dropout.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "tests/parity/goldens.h"

namespace lorikeet::trainer {
namespace {

DropoutStream At(std::uint64_t seed, std::int64_t step, std::int64_t document, double rate = 0.3) {
  DropoutStream stream(seed, rate);
  stream.Rekey(step, document);
  return stream;
}

TEST(DropoutTest, KeepsTheMeanAndScalesWhatItKeeps) {
  DropoutStream stream = At(1, 0, 0);
  const at::Tensor x = at::ones({1000, 301});
  const at::Tensor y = stream.Apply(x);
  const double kept = (y != 0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(kept, 0.7, 0.003);  // six standard deviations: 0.005
  EXPECT_NEAR(y.mean().item<double>(), 1, 0.005);
  EXPECT_NEAR(y.max().item<double>(), 1 / 0.7, 1e-4);
  // Rows and columns alike: no element is favoured.
  EXPECT_LT((y.mean(0) - 1).abs().max().item<double>(), 0.15);
  EXPECT_LT((y.mean(1) - 1).abs().max().item<double>(), 0.25);
}

TEST(DropoutTest, KeyedBySeedStepDocumentAndOrder) {
  const at::Tensor x = at::ones({50, 40});
  DropoutStream one = At(1, 2, 3), same = At(1, 2, 3);
  const at::Tensor first = one.Apply(x), second = one.Apply(x);
  EXPECT_TRUE(at::equal(first, same.Apply(x)));
  EXPECT_FALSE(at::equal(first, second)) << "two tensors of one pass share a mask";
  for (DropoutStream other : {At(2, 2, 3), At(1, 3, 3), At(1, 2, 4)}) {
    const at::Tensor y = other.Apply(x);
    EXPECT_FALSE(at::equal(first, y));
    // Independent: both keep an element with probability 0.7² .
    EXPECT_NEAR(((first != 0) & (y != 0)).to(at::kDouble).mean().item<double>(), 0.49, 0.06);
  }
  one.Rekey(2, 3);
  EXPECT_TRUE(at::equal(first, one.Apply(x)));
}

// Examples keep their masks whatever micro-batch they come in, and rows whatever their batch is padded to.
TEST(DropoutTest, TheSameWhateverTheMicroBatch) {
  const at::Tensor together = At(1, 2, 0).Apply(at::ones({4, 6, 40}));
  const at::Tensor second_half = At(1, 2, 2).Apply(at::ones({2, 6, 40}));
  EXPECT_TRUE(at::equal(together.narrow(0, 2, 2), second_half));
  const at::Tensor shorter = At(1, 2, 0).Apply(at::ones({4, 3, 40}));
  EXPECT_TRUE(at::equal(together.narrow(1, 0, 3), shorter));
  const at::Tensor narrower = At(1, 2, 0).Apply(at::ones({4, 6, 17}));
  EXPECT_TRUE(at::equal(together.narrow(2, 0, 17), narrower));
}

// The tensor operations that any device has draw what the CPU's loops draw.
TEST(DropoutTest, FactorsAreTheLoopsMask) {
  for (const auto& sizes : {std::vector<std::int64_t>{3, 5, 70}, {2, 3, 4, 33}, {4, 16}, {31}}) {
    DropoutStream stream = At(7, 3, 5), same = At(7, 3, 5);
    const at::Tensor looped = stream.Apply(at::ones(sizes));
    EXPECT_TRUE(at::equal(looped, DropoutFactors(same.NextMask(), sizes, at::kCPU)));
  }
}

TEST(DropoutTest, ALayerThatRunsAgainDrawsAgain) {
  const at::Tensor x = at::ones({2, 5, 40});
  DropoutStream stream = At(1, 2, 3);
  stream.Apply(x);
  const std::int64_t site = stream.site();
  const at::Tensor second = stream.Apply(x);
  stream.set_site(site);
  EXPECT_TRUE(at::equal(second, stream.Apply(x)));
}

TEST(DropoutTest, TheSameWhateverTheThreads) {
  const int threads = at::get_num_threads();
  const at::Tensor x = at::ones({700, 333});
  at::set_num_threads(1);
  const at::Tensor one = At(1, 0, 0).Apply(x);
  at::set_num_threads(4);
  const at::Tensor four = At(1, 0, 0).Apply(x);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one, four));
}

TEST(DropoutTest, TheGradientPassesWhereTheValueDid) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::ones({30, 17}, dtype).set_requires_grad(true);
    DropoutStream stream = At(4, 0, 0);
    const at::Tensor y = stream.Apply(x);
    EXPECT_EQ(y.scalar_type(), dtype);
    y.sum().backward();
    EXPECT_TRUE(at::equal(x.grad(), y.detach()));
  }
}

TEST(DropoutTest, NoneAtRateZero) {
  DropoutStream stream = At(1, 0, 0, 0);
  const at::Tensor x = at::randn({10});
  EXPECT_TRUE(stream.Apply(x).is_same(x));
  EXPECT_TRUE(at::equal(stream.AddTo(x, x), x + x));
}

// A training pass is decided by (seed, step, document) and by nothing else.
TEST(DropoutTest, ThePassOfAModelRepeats) {
  const auto model = GoldenModel("t5_v1_0");
  const Batch batch = MakeBatch(GoldenJson("t5_v1_0/forward.json"));
  const auto loss = [&](std::uint64_t seed, std::int64_t step) {
    DropoutStream stream(seed, 0.1);
    stream.Rekey(step, 0);
    return Loss(*model, batch, {nullptr, &stream}).sum.item<float>();
  };
  const float plain = Loss(*model, batch, {}).sum.item<float>();
  EXPECT_EQ(loss(1, 1), loss(1, 1));
  EXPECT_NE(loss(1, 1), loss(1, 2));
  EXPECT_NE(loss(1, 1), loss(2, 1));
  EXPECT_NE(loss(1, 1), plain);
}

}  // namespace
}  // namespace lorikeet::trainer
