// Memory that runs out: the limit on CPUs, halved micro-batches, and what is said.
#include "worker/trainer/train/memory.h"

#include <gmock/gmock.h>

#include "tests/worker/trainer/train/tiny_trial.h"
#include "worker/trainer/generate/generate.h"
#include "worker/trainer/train/cpu_memory.h"

namespace lorikeet::trainer {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

class MemoryTest : public TinyTrial {
 protected:
  void SetUp() override {
    memory_.SetLimit(0);
    memory_.SetOther(0);
    TinyTrial::SetUp();
  }
  void TearDown() override {
    memory_.SetLimit(0);
    TinyTrial::TearDown();
  }

  // The most bytes of tensors that training this takes, beside what was there.
  std::int64_t PeakOf(Trial trial, std::int64_t micro_batch_size) {
    trial.train.micro_batch_size = micro_batch_size;
    memory_.ResetPeak();
    const std::int64_t before = memory_.tensors();
    const Run run = RunOf(Options(trial, "peak" + std::to_string(micro_batch_size)));
    EXPECT_TRUE(run.end.ok()) << run.end.status();
    return memory_.peak_tensors() - before;
  }

  CpuMemory& memory_ = CpuMemory::Install();
};

TEST_F(MemoryTest, TensorsAreCountedAndHeldToTheLimit) {
  const std::int64_t before = memory_.tensors();
  {
    const at::Tensor tensor = at::empty({3 * kMiB}, at::kByte);
    EXPECT_GE(memory_.tensors() - before, 3 * kMiB);
    EXPECT_LT(memory_.tensors() - before, 3 * kMiB + 8192);
    EXPECT_GE(memory_.peak_tensors(), memory_.tensors());
  }
  EXPECT_EQ(memory_.tensors(), before);
  memory_.SetOther(5 * kMiB);
  memory_.SetLimit(before + 7 * kMiB);
  EXPECT_NO_THROW(at::empty({kMiB}, at::kByte));
  const Status status = CatchExceptions([] {
    at::empty({3 * kMiB}, at::kByte);
    return absl::OkStatus();
  });
  EXPECT_EQ(FailureKind(status), "oom");
  EXPECT_THAT(Message(status), HasSubstr("out of memory: 3MiB more would make "));
  EXPECT_THAT(Message(status), HasSubstr("5MiB by the program and its data"));
  EXPECT_EQ(memory_.tensors(), before);
}

TEST_F(MemoryTest, WhatIsNoTensorIsMeasured) {
  memory_.MeasureOther();
  EXPECT_GT(memory_.other(), 10 * kMiB);  // LibTorch alone
  const std::int64_t before = memory_.other();
  std::vector<char> bytes(64 * kMiB, 1);
  memory_.MeasureOther();
  EXPECT_NEAR(static_cast<double>(memory_.other() - before), 64.0 * kMiB, 8.0 * kMiB);
}

TEST_F(MemoryTest, MicroBatchesAreHalvedUntilTheyFit) {
  Trial trial = MakeTrial(Method::kFull);
  trial.train.batch_size = 8;
  const std::int64_t whole = PeakOf(trial, 8), quarter = PeakOf(trial, 2), half = PeakOf(trial, 4);
  ASSERT_GT(half, quarter);
  const Run expected = [&] {
    Trial small = trial;
    small.train.micro_batch_size = 2;
    return RunOf(Options(small, "expected"));
  }();

  memory_.SetLimit(memory_.tensors() + (half + quarter) / 2);
  const Run run = RunOf(Options(trial, "limited"));
  memory_.SetLimit(0);
  ASSERT_TRUE(run.end.ok()) << run.end.status();
  EXPECT_GT(whole, half);
  EXPECT_EQ(run.result().micro_batch_size, 2);
  // The effective batch is the same, and a step that ran out was not done twice.
  EXPECT_EQ(run.Metrics("train_loss"), expected.Metrics("train_loss"));
  EXPECT_EQ(run.result().last_step, expected.result().last_step);
  std::vector<protocol::OutOfMemory> training;
  for (const auto& event : run.All<protocol::OutOfMemory>()) {
    if (event.phase == "training") training.push_back(event);
  }
  ASSERT_EQ(training.size(), 2u);
  EXPECT_EQ(training[0].micro_batch_size, 4);
  EXPECT_EQ(training[0].parts, 2);
  EXPECT_EQ(training[0].step, 0);
  EXPECT_EQ(training[1].micro_batch_size, 2);
  EXPECT_EQ(training[1].parts, 4);
  EXPECT_THAT(training[1].message, HasSubstr("resources.memory is"));
}

TEST(StatusOfTest, KnowsMemoryThatRanOutByItsWords) {
  for (const char* words :
       {"CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 5 bytes"}) {
    const Status status = CatchExceptions([&]() -> Status { TORCH_CHECK(false, words); });
    EXPECT_EQ(FailureKind(status), "oom") << words;
  }
  EXPECT_EQ(
      FailureKind(CatchExceptions([]() -> Status { TORCH_CHECK(false, "CUDA error: misaligned address"); })),
      "crashed");
}

// Keys, values and packed weights count as tensors do.
TEST_F(MemoryTest, WhatDecodingKeepsIsCounted) {
  const auto model = T5::Load(Path("model"), {}).value();
  const std::vector<std::vector<text::TokenId>> sources = {std::vector<text::TokenId>(32, 5)};
  const auto peak = [&](std::int64_t tokens) {
    EvaluateSettings settings;
    settings.beams = 4;
    settings.max_new_tokens = settings.min_new_tokens = tokens;
    memory_.ResetPeak();
    const std::int64_t before = memory_.tensors();
    const at::NoGradGuard no_grad;
    Generate(*model, {}, sources, settings);
    return memory_.peak_tensors() - before;
  };
  const std::int64_t few = peak(2), many = peak(402);
  EXPECT_GT(many - few,
            400 * 4 * 2 * 8 * 4);  // steps × beams × (key and value) × width × bytes, of one layer
}

TEST_F(MemoryTest, OneDocumentTooMuchIsTheEnd) {
  const Trial trial = MakeTrial(Method::kFull);
  const std::int64_t needed = PeakOf(trial, 1);
  std::int64_t loaded = 0;
  {
    const std::int64_t before = memory_.tensors();
    const auto model = T5::Load(trial.model, {.trainable = true});
    ASSERT_TRUE(model.ok());
    loaded = memory_.tensors() - before;
  }
  // Enough for weights, gradients and moments, and hardly more.
  memory_.SetLimit(memory_.tensors() + 4 * loaded + 4096);
  ASSERT_LT(4 * loaded + 4096, needed);
  const Run run = RunOf(Options(trial, "out"));
  ASSERT_FALSE(run.end.ok());
  EXPECT_EQ(FailureKind(run.end.status()), "oom") << run.end.status();
  EXPECT_THAT(Message(run.end.status()), HasSubstr("with one document a micro-batch"));
  EXPECT_EQ(run.All<protocol::OutOfMemory>().size(), 2u);  // 4 to 2, 2 to 1
}

TEST_F(MemoryTest, ALimitThatTheModelDoesNotFitSaysWhatToSet) {
  const Trial trial = MakeTrial(Method::kFull);
  memory_.SetOther(3 * kMiB);
  memory_.SetLimit(3 * kMiB + 1024);
  const Run run = RunOf(Options(trial, "out"));
  ASSERT_FALSE(run.end.ok());
  EXPECT_EQ(FailureKind(run.end.status()), "oom") << run.end.status();
  const std::string message = Message(run.end.status());
  EXPECT_THAT(message, testing::ContainsRegex("resources.memory is 4MiB, and .*model needs [0-9]+MiB"));
  EXPECT_THAT(message, testing::ContainsRegex("set resources.memory above [0-9]+MiB"));
  // And what it says is enough to get past loading.
  const std::size_t at = message.rfind("above ") + 6;
  memory_.SetLimit(memory_.tensors() + 3 * kMiB + std::stoll(message.substr(at)) * kMiB);
  EXPECT_TRUE(CheckModelFits(trial, trial.model, at::kFloat).ok());
}

// Not found by the check beforehand: the limit is met while the weights are read. (Frozen ones stay in the
// file.)
TEST_F(MemoryTest, RunningOutWhileLoadingIsNoCrash) {
  memory_.SetLimit(memory_.tensors() + 2048);
  const auto model = T5::Load(Path("model"), {.trainable = true});
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(FailureKind(model.status()), "oom") << model.status();
  EXPECT_THAT(Message(model.status()), HasSubstr(Path("model")));
}

TEST_F(MemoryTest, ALimitIsOfTheTrial) {
  Trial trial = MakeTrial(Method::kLora);
  trial.resources.memory_bytes = 1;
  ASSERT_TRUE(LimitMemory(trial, "cpu").ok());
  EXPECT_EQ(CpuMemory::Limit(), 1);
  trial.resources.memory_bytes.reset();
  ASSERT_TRUE(LimitMemory(trial, "cpu").ok());
  EXPECT_EQ(CpuMemory::Limit(), 0);
}

}  // namespace
}  // namespace lorikeet::trainer
