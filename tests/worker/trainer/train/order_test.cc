// What comes when: permutations, batches, spans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/paths.h"
#include "worker/trainer/train/batches.h"
#include "worker/trainer/train/loop.h"
#include "worker/trainer/train/memory.h"
#include "worker/trainer/train/permutation.h"
#include "worker/trainer/train/span_corruption.h"

namespace lorikeet::trainer {
namespace {

TEST(Permutation, IsOne) {
  for (const std::int64_t count : {0, 1, 2, 7, 100}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      auto order = Permutation(count, seed, seed * 3);
      std::sort(order.begin(), order.end());
      std::vector<std::int64_t> expected(static_cast<std::size_t>(count));
      std::iota(expected.begin(), expected.end(), 0);
      EXPECT_EQ(order, expected);
    }
  }
}

TEST(Permutation, NeverChangesForASeed) {
  // Written down: another order here would silently change every result that was ever reported.
  EXPECT_THAT(Permutation(8, 1, 0), testing::ElementsAreArray(Permutation(8, 1, 0)));
  EXPECT_NE(Permutation(50, 1, 0), Permutation(50, 1, 1));
  EXPECT_NE(Permutation(50, 1, 0), Permutation(50, 2, 0));
}

TEST(Permutation, FavoursNoPlace) {
  std::vector<int> first(5, 0);
  constexpr int kDraws = 5000;
  for (int i = 0; i < kDraws; ++i)
    ++first[static_cast<std::size_t>(Permutation(5, static_cast<std::uint64_t>(i), 3)[0])];
  for (const int count : first) EXPECT_NEAR(count, kDraws / 5, 5 * 28);  // five standard deviations
}

TEST(BatchPlan, EveryEpochHoldsEveryDocumentOnceAndKeepsItsLastBatch) {
  BatchPlan plan(10, 4, 7);
  ASSERT_EQ(plan.steps_per_epoch(), 3);
  std::vector<std::vector<std::int64_t>> epochs;
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int64_t> seen;
    for (std::int64_t step = 0; step < 3; ++step) {
      const auto batch = plan.DocumentsOf(epoch * 3 + step);
      EXPECT_EQ(batch.size(), step == 2 ? 2u : 4u);
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    EXPECT_EQ(std::set<std::int64_t>(seen.begin(), seen.end()).size(), 10u);
    epochs.push_back(seen);
  }
  EXPECT_NE(epochs[0], epochs[1]);
}

TEST(BatchPlan, AResumedPlanGivesTheSameBatches) {
  BatchPlan plan(23, 5, 11);
  for (std::int64_t step = 0; step < 15; ++step) {
    EXPECT_EQ(plan.DocumentsOf(step), BatchPlan(23, 5, 11).DocumentsOf(step));
  }
}

TEST(TotalSteps, CountsTheLastIncompleteBatchOfEveryEpoch) {
  TrainSettings settings;
  settings.batch_size = 4;
  settings.epochs = 3;
  EXPECT_EQ(TotalSteps(settings, 10), 9);
  settings.epochs.reset();
  settings.steps = 5;
  EXPECT_EQ(TotalSteps(settings, 10), 5);
}

TEST(MakeBatch, PadsToTheLongest) {
  const std::vector<Example> examples = {{{5, 6, 1}, {7, 1}}, {{8, 1}, {9, 10, 11, 1}}};
  const Batch batch = MakeBatch(Pointers(examples), at::kCPU);
  EXPECT_EQ(batch.source.sizes(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(batch.target.sizes(), (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(batch.source[1][2].item<std::int64_t>(), 0);
  EXPECT_FALSE(batch.source_mask[1][2].item<bool>());
  EXPECT_EQ(batch.target_mask.sum().item<std::int64_t>(), 6);
}

TEST(WithMemory, HalvesUntilItFits) {
  std::int64_t size = 12;
  std::vector<std::int64_t> tried;
  const Status status = WithMemory(size, [&](std::int64_t now) {
    tried.push_back(now);
    if (now > 2) throw std::bad_alloc();
  });
  EXPECT_TRUE(status.ok());
  EXPECT_THAT(tried, testing::ElementsAre(12, 6, 3, 2));
  EXPECT_EQ(size, 2);
}

TEST(WithMemory, GivesUpAtOneDocument) {
  std::int64_t size = 2;
  const Status status = WithMemory(size, [](std::int64_t) { throw std::bad_alloc(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(NoiseMask, HidesTheShareInSpansThatNeverTouch) {
  for (const std::int64_t length : {2, 3, 16, 100, 512}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      CounterRandom random(seed, 0);
      const auto mask = NoiseMask(length, {}, random);
      ASSERT_EQ(mask.size(), static_cast<std::size_t>(length));
      const auto hidden = std::count(mask.begin(), mask.end(), true);
      EXPECT_EQ(hidden, std::max<std::int64_t>(1, std::llround(0.15 * static_cast<double>(length))));
      EXPECT_FALSE(mask.front());
      EXPECT_TRUE(mask.back());
      std::int64_t spans = 0;
      for (std::size_t i = 1; i < mask.size(); ++i) spans += mask[i] && !mask[i - 1];
      EXPECT_EQ(spans, std::max<std::int64_t>(1, std::llround(static_cast<double>(hidden) / 3)));
    }
  }
}

TEST(Corrupt, SourceAndTargetTogetherHoldTheText) {
  const auto tokenizer = text::Tokenizer::Load(std::string(kTestsDir) + "/worker/text/tiny_t5").value();
  std::vector<text::TokenId> tokens(60);
  std::iota(tokens.begin(), tokens.end(), 3);
  CounterRandom random(1, 2);
  const Example example = Corrupt(tokens, {}, *tokenizer, random);
  EXPECT_EQ(example.source.back(), text::Tokenizer::kEnd);
  EXPECT_EQ(example.target.back(), text::Tokenizer::kEnd);
  // Put the hidden spans back in their sentinels' places.
  std::vector<text::TokenId> restored;
  std::size_t next = 0;
  for (const text::TokenId id : example.source) {
    if (id < tokenizer->pieces()) {
      if (id != text::Tokenizer::kEnd) restored.push_back(id);
      continue;
    }
    EXPECT_EQ(example.target[next], id);
    for (++next; example.target[next] < tokenizer->pieces() && example.target[next] != text::Tokenizer::kEnd;
         ++next) {
      restored.push_back(example.target[next]);
    }
  }
  EXPECT_EQ(restored, tokens);
  EXPECT_LE(static_cast<std::int64_t>(example.source.size()), 60);
}

TEST(RawLength, FillsTheSource) {
  const auto tokenizer = text::Tokenizer::Load(std::string(kTestsDir) + "/worker/text/tiny_t5").value();
  for (const std::int64_t length : {32, 64, 128, 512}) {
    std::vector<text::TokenId> tokens(static_cast<std::size_t>(RawLength(length, {})), 5);
    CounterRandom random(1, 1);
    EXPECT_NEAR(static_cast<double>(Corrupt(tokens, {}, *tokenizer, random).source.size()),
                static_cast<double>(length), 1);
    EXPECT_LE(Corrupt(tokens, {}, *tokenizer, random).source.size(), static_cast<std::size_t>(length));
  }
}

}  // namespace
}  // namespace lorikeet::trainer
