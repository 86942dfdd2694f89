// Attention in blocks gives what whole matrices of scores give, and so do its gradients.
#include "worker/trainer/kernels/fused_attention.h"

#include <gtest/gtest.h>

#include "tests/parity/goldens.h"
#include "worker/trainer/kernels/micro_gemm.h"
#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {
namespace {

struct Case {
  std::int64_t documents, heads, queries, keys, width;
  bool relative, mask;
  double rate;
};

// Blocks of every kind: odd sizes, several blocks of queries, keys cut at a document's end, holes, queries
// that see some keys only.
constexpr Case kCases[] = {{2, 5, 7, 9, 6, true, true, 0},
                           {2, 3, 40, 300, 4, true, true, 0.2},
                           {1, 2, 133, 70, 32, false, false, 0.3},
                           {3, 2, 1, 12, 8, false, true, 0},
                           {2, 2, 150, 150, 33, true, false, 0.1}};

at::Tensor Leaf(const at::Tensor& x) { return x.detach().set_requires_grad(true); }

struct Inputs {
  explicit Inputs(const Case& c, at::ScalarType type) {
    // As projections are laid out: [B, n, H·K].
    const auto projected = [&](std::int64_t n) {
      return Leaf(at::randn({c.documents, n, c.heads * c.width}).to(type));
    };
    query = projected(c.queries), key = projected(c.keys), value = projected(c.keys);
    if (c.relative) {
      at::Tensor table = at::randn({c.heads, c.keys - 1 + c.queries});
      if (c.queries == c.keys) table.narrow(1, 0, c.keys - 1).fill_(std::numeric_limits<float>::lowest());
      relative = Leaf(table);
    }
    if (c.mask) {
      mask = at::zeros({c.documents, c.keys});
      mask[0].slice(-1, c.keys / 2).fill_(std::numeric_limits<float>::lowest());
      mask.select(-1, 1).fill_(std::numeric_limits<float>::lowest());  // a hole
    }
    gradient = at::randn({c.documents, c.queries, c.heads * c.width}).to(type);
    if (c.rate > 0) dropout = DropoutStream(99, c.rate).NextMask();
  }
  std::vector<at::Tensor> Leaves() const {
    std::vector<at::Tensor> leaves = {query, key, value};
    if (relative.defined()) leaves.push_back(relative);
    return leaves;
  }
  at::Tensor query, key, value, relative, mask, gradient;
  DropoutMask dropout;
};

at::Tensor Heads(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

// The value and the gradients of `leaves`, all in double.
std::vector<at::Tensor> Results(const at::Tensor& y, const at::Tensor& gradient,
                                const std::vector<at::Tensor>& leaves) {
  y.backward(gradient);
  std::vector<at::Tensor> results = {y.detach().to(at::kDouble)};
  for (const at::Tensor& leaf : leaves) results.push_back(leaf.grad().to(at::kDouble));
  return results;
}

// With whole matrices, in double precision.
std::vector<at::Tensor> Exact(const Case& c, const Inputs& in) {
  const auto doubled = [](const at::Tensor& x) { return Leaf(x.to(at::kDouble)); };
  std::vector<at::Tensor> leaves = {doubled(in.query), doubled(in.key), doubled(in.value)};
  at::Tensor scores = at::matmul(Heads(leaves[0], c.heads), Heads(leaves[1], c.heads).transpose(2, 3));
  if (c.relative) {
    leaves.push_back(doubled(in.relative));
    const at::Tensor distance = at::arange(c.queries).unsqueeze(1) - at::arange(c.keys) + (c.keys - 1);
    scores = scores + leaves.back().index_select(1, distance.flatten()).view({c.heads, c.queries, c.keys});
  }
  if (c.mask) scores = scores + in.mask.unsqueeze(1).unsqueeze(1).to(at::kDouble);
  at::Tensor weights = at::softmax(scores, -1);
  if (c.rate > 0) weights = weights * DropoutFactors(in.dropout, weights.sizes(), at::kCPU);
  const at::Tensor mixed = at::matmul(weights, Heads(leaves[2], c.heads)).transpose(1, 2).flatten(2);
  return Results(mixed, in.gradient.to(at::kDouble), leaves);
}

void ExpectExact(at::ScalarType type, double tolerance) {
  at::manual_seed(4);
  for (const Case& c : kCases) {
    const Inputs in(c, type);
    const std::vector<at::Tensor> expected = Exact(c, in);
    const at::Tensor fused = FusedAttention(Heads(in.query, c.heads), Heads(in.key, c.heads),
                                            Heads(in.value, c.heads), in.relative, in.mask, in.dropout);
    const std::vector<at::Tensor> actual = Results(fused, in.gradient, in.Leaves());
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_TRUE(IsClose(actual[i], expected[i], tolerance)) << c.queries << " queries, result " << i;
    }
    const at::NoGradGuard no_grad;
    EXPECT_TRUE(at::equal(FusedAttention(Heads(in.query, c.heads), Heads(in.key, c.heads),
                                         Heads(in.value, c.heads), in.relative, in.mask, in.dropout),
                          fused));
  }
}

TEST(FusedAttentionTest, IsExactInFp32) { ExpectExact(at::kFloat, 1e-5); }

// Weights, the output and the gradients of scores are rounded to 8 bits; a query's gradient is a difference
// of those, of which little may be left.
TEST(FusedAttentionTest, StaysNearInBf16) {
  if (!HasBfloat16Products()) return ExpectExact(at::kFloat, 1e-5);  // what is done in its place
  ExpectExact(at::kBFloat16, 3e-2);
}

// Where there is one key its weight is 1 and stays so: the score's gradient is 0, not what rounding leaves.
TEST(FusedAttentionTest, ASingleKeyHasNoGradient) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const double rate : {0.0, 0.3}) {
      const Case c = {3, 2, 5, 1, 17, true, false, rate};
      const Inputs in(c, type);
      FusedAttention(Heads(in.query, c.heads), Heads(in.key, c.heads), Heads(in.value, c.heads), in.relative,
                     {}, in.dropout)
          .backward(in.gradient);
      EXPECT_EQ(in.query.grad().abs().max().item<double>(), 0);
      EXPECT_EQ(in.key.grad().abs().max().item<double>(), 0);
      EXPECT_EQ(in.relative.grad().abs().max().item<double>(), 0);
      EXPECT_GT(in.value.grad().abs().max().item<double>(), 0);
    }
    if (!HasBfloat16Products()) break;
  }
}

TEST(FusedAttentionTest, TheSameWhateverTheThreads) {
  const int threads = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> results;
  for (const int count : {1, 3}) {
    at::set_num_threads(count);
    at::manual_seed(8);
    const Inputs in(kCases[1], at::kFloat);
    results.push_back(Results(FusedAttention(Heads(in.query, 3), Heads(in.key, 3), Heads(in.value, 3),
                                             in.relative, in.mask, in.dropout),
                              in.gradient, in.Leaves()));
  }
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < results[0].size(); ++i)
    EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << i;
}

}  // namespace
}  // namespace lorikeet::trainer
