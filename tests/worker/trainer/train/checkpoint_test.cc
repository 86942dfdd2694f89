// The checkpoint folder alone: what it takes, what it leaves, and who may write there.
#include "worker/trainer/train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "worker/trainer/train/cpu_memory.h"
#include "worker/trainer/train/step.h"

namespace lorikeet::trainer {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "checkpoint-" +
                 testing::UnitTest::GetInstance()->current_test_info()->name() + std::to_string(getpid());
    fs::remove_all(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) names.push_back(entry.path().filename());
    return names;
  }

  static TensorMap Weights(double value, std::int64_t size = 8) {
    return {{"a", at::full({size, 4}, value)}, {"b", at::full({3}, value)}};
  }

  static TrainingState At(std::int64_t step) {
    TrainingState state;
    state.step = step;
    return state;
  }
  static TrainingState WithBest(std::int64_t step, std::int64_t best) {
    TrainingState state = At(step);
    state.best_step = best;
    state.best_saved = true;
    return state;
  }

  std::string directory_;
};

TEST_F(CheckpointTest, AnEarlierAttemptThatWakesUpAfterALaterOneIsThroughKnows) {
  CheckpointFolder first(directory_, "trial", 1), second(directory_, "trial", 2);
  ASSERT_TRUE(first.Save(At(3), Weights(1), {}).ok());
  ASSERT_TRUE(second.Save(At(5), Weights(2), {}).ok());
  second.Finish();
  EXPECT_THAT(Names(), ElementsAre("done-2"));
  EXPECT_TRUE(absl::IsAborted(first.CheckNotSuperseded()));
  EXPECT_TRUE(absl::IsAborted(first.Save(At(4), Weights(1), {})));
  EXPECT_THAT(Names(), ElementsAre("done-2"));
  // The trial again, by a later attempt: from the beginning.
  CheckpointFolder third(directory_, "trial", 3);
  EXPECT_TRUE(third.CheckNotSuperseded().ok());
  ASSERT_TRUE(third.Save(At(1), Weights(3), {}).ok());
  EXPECT_THAT(Names(), ElementsAre("state-3.safetensors"));
}

TEST_F(CheckpointTest, ByHandNothingIsLeft) {
  CheckpointFolder folder(directory_, "trial");
  ASSERT_TRUE(folder.Save(At(3), Weights(1), {}).ok());
  folder.Finish();
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(CheckpointTest, BestWeightsThatNoStateNamesDoNotPileUp) {
  CheckpointFolder folder(directory_, "trial", 1);
  ASSERT_TRUE(folder.SaveBest(1, Weights(1)).ok());
  ASSERT_TRUE(folder.Save(WithBest(1, 1), Weights(1), {}).ok());
  for (const std::int64_t step : {2, 3, 4}) ASSERT_TRUE(folder.SaveBest(step, Weights(1)).ok());
  EXPECT_THAT(Names(),
              UnorderedElementsAre("state-1.safetensors", "best-1-1.safetensors", "best-1-4.safetensors"));
  ASSERT_TRUE(folder.Save(WithBest(4, 4), Weights(1), {}).ok());
  EXPECT_THAT(Names(), UnorderedElementsAre("state-1.safetensors", "best-1-4.safetensors"));
}

// What a trial under a limit has no room for is a second copy of everything.
TEST_F(CheckpointTest, GoingOnTakesNoMemoryBesideWhatIsFilled) {
  constexpr std::int64_t kRows = 100'000;
  CpuMemory& memory = CpuMemory::Install();
  {
    CheckpointFolder folder(directory_, "trial", 1);
    const TensorMap weights = Weights(7, kRows);
    const auto optimizer = CreateOptimizer({}, weights).value();
    for (const auto& [name, moment] : optimizer->State()) moment.fill_(9);
    ASSERT_TRUE(folder.SaveBest(4, Weights(5, kRows)).ok());
    ASSERT_TRUE(folder.Save(WithBest(4, 4), weights, optimizer->State()).ok());
  }
  for (const std::int64_t token : {1, 2}) {  // its own, and another attempt's
    SCOPED_TRACE(token);
    CheckpointFolder folder(directory_, "trial", token);
    const TensorMap weights = Weights(0, kRows);
    const auto optimizer = CreateOptimizer({}, weights).value();
    std::vector<std::string> passed_over;
    memory.ResetPeak();
    const std::int64_t before = memory.tensors();
    const auto state = folder.Load(weights, *optimizer, passed_over);
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_LT(memory.peak_tensors() - before, kRows);  // a copy of the weights is 16 times as much
    EXPECT_EQ(state->step, 4);
    EXPECT_TRUE(at::equal(weights.at("a"), at::full({kRows, 4}, 7.0)));
    for (const auto& [name, moment] : optimizer->State())
      EXPECT_TRUE((moment == 9).all().item<bool>()) << name;
    memory.ResetPeak();
    ASSERT_TRUE(folder.LoadBest(4, weights).ok());
    EXPECT_LT(memory.peak_tensors() - before, kRows);
    EXPECT_TRUE(at::equal(weights.at("a"), at::full({kRows, 4}, 5.0)));
  }
}

TEST_F(CheckpointTest, AStateThatDoesNotFitChangesNothing) {
  CheckpointFolder folder(directory_, "trial", 1);
  const TensorMap weights = Weights(7);
  const auto optimizer = CreateOptimizer({}, weights).value();
  TensorMap moments = optimizer->State();
  const auto expect_passed_over = [&](const std::string& why) {
    ASSERT_TRUE(folder.Save(At(4), weights, moments).ok());
    const TensorMap fresh = Weights(1);
    const auto other = CreateOptimizer({}, fresh).value();
    std::vector<std::string> passed_over;
    EXPECT_TRUE(absl::IsNotFound(folder.Load(fresh, *other, passed_over).status()));
    ASSERT_EQ(passed_over.size(), 1u);
    EXPECT_THAT(passed_over[0], testing::HasSubstr(why));
    EXPECT_TRUE(at::equal(fresh.at("a"), at::ones({8, 4})));
  };
  moments["a.exp_avg"] = at::zeros({6});
  expect_passed_over("moment:a.exp_avg has another shape or type");
  moments.erase("a.exp_avg");
  expect_passed_over("moment:a.exp_avg is missing");
}

TEST(AllFiniteTest, OneValueThatIsNoNumberIsEnough) {
  const at::Tensor tensor = at::zeros({3, 5});
  EXPECT_TRUE(AllFinite({{"a", tensor}}));
  for (const float value : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    const at::Tensor other = tensor.clone();
    other[1][2] = value;
    EXPECT_FALSE(AllFinite({{"a", tensor}, {"b", other}}));
  }
}

}  // namespace
}  // namespace lorikeet::trainer
