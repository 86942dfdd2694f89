#include "worker/trainer/generate/scores.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lorikeet::trainer {
namespace {

using History = std::vector<text::TokenId>;

std::vector<std::int64_t> Forbidden(const EvaluateSettings& settings, const History& history) {
  at::Tensor scores = at::zeros({1, 10});
  const History* const histories[] = {&history};
  Forbid(settings, /*end=*/1, histories, scores);
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; id < 10; ++id) {
    if (std::isinf(scores[0][id].item<float>())) ids.push_back(id);
  }
  return ids;
}

TEST(ForbidTest, TheEndBeforeMinNewTokens) {
  EvaluateSettings settings;
  settings.min_new_tokens = 2;
  EXPECT_EQ(Forbidden(settings, {0}), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(Forbidden(settings, {0, 5}), (std::vector<std::int64_t>{1}));
  EXPECT_TRUE(Forbidden(settings, {0, 5, 6}).empty());
}

TEST(ForbidTest, NgramsThatWereThere) {
  EvaluateSettings settings;
  EXPECT_TRUE(Forbidden(settings, {0, 5, 5, 5}).empty());
  settings.no_repeat_ngram_size = 1;
  EXPECT_EQ(Forbidden(settings, {0, 5, 7}), (std::vector<std::int64_t>{0, 5, 7}));  // the start token counts
  settings.no_repeat_ngram_size = 2;
  EXPECT_EQ(Forbidden(settings, {0, 5, 7, 5, 8, 5}), (std::vector<std::int64_t>{7, 8}));
  settings.no_repeat_ngram_size = 3;
  EXPECT_TRUE(Forbidden(settings, {0, 5}).empty());
  EXPECT_EQ(Forbidden(settings, {0, 5, 7, 9, 5, 7}), (std::vector<std::int64_t>{9}));
  EXPECT_EQ(Forbidden(settings, {0, 5, 0, 5}), (std::vector<std::int64_t>{0}));
}

TEST(BestTest, OfEachGroupBestFirst) {
  at::manual_seed(3);
  const at::Tensor scores = at::randn({6, 50});  // two groups of three rows
  const std::vector<float> added = {0, -0.5f, 1, 0.25f, 0, -1e9f};
  const at::Tensor sums = (scores + at::tensor(added).unsqueeze(1)).view({2, 150});
  const auto [values, indices] = sums.topk(8, 1);
  const std::vector<Candidate> best = Best(scores, {}, added, 3, 8);
  ASSERT_EQ(best.size(), 16u);
  for (std::int64_t group = 0; group < 2; ++group) {
    for (std::int64_t i = 0; i < 8; ++i) {
      const Candidate& candidate = best[static_cast<std::size_t>(group * 8 + i)];
      EXPECT_EQ(candidate.row * 50 + candidate.token, indices[group][i].item<std::int64_t>());
      EXPECT_EQ(candidate.score, values[group][i].item<float>());
    }
  }
}

// Over stretches of ids that are passed over, and with logits made likelihoods on the way.
TEST(BestTest, OfLikelihoods) {
  at::manual_seed(4);
  const at::Tensor logits = at::randn({4, 1000}) * 3;
  const std::vector<float> added = {-1, -2, -0.5f, 0};
  const at::Tensor sums = (at::log_softmax(logits, -1) + at::tensor(added).unsqueeze(1)).view({2, 2000});
  const auto [values, indices] = sums.topk(8, 1);
  const std::vector<Candidate> best = Best(logits, Normalizers(logits), added, 2, 8);
  for (std::int64_t group = 0; group < 2; ++group) {
    for (std::int64_t i = 0; i < 8; ++i) {
      const Candidate& candidate = best[static_cast<std::size_t>(group * 8 + i)];
      EXPECT_EQ(candidate.row * 1000 + candidate.token, indices[group][i].item<std::int64_t>());
      EXPECT_NEAR(candidate.score, values[group][i].item<float>(), 1e-6);
    }
  }
}

}  // namespace
}  // namespace lorikeet::trainer
