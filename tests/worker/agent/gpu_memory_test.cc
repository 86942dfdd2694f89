#include "worker/agent/gpu_memory.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <thread>

#include "common/files.h"
#include "tests/worker/agent/fakes.h"

namespace lorikeet::agent {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

// A shell script stands in for sweep-worker --gpu-memory.
class GpuMemoryTest : public testing::Test {
 protected:
  void Program(const std::string& body) {
    const std::string path = temp_.path() + "/program";
    ASSERT_TRUE(WriteFileAtomically(path, "#!/bin/sh\n" + body + "\n", 0755).ok());
    chmod(path.c_str(), 0755);
    memory_ = std::make_unique<ChildGpuMemory>(std::vector<std::string>{path, kGpuMemoryFlag}, RealClock(),
                                               patience_);
  }
  StatusOr<std::vector<std::int64_t>> Answer() {
    const SteadyTime deadline = RealClock().Steady() + std::chrono::seconds(60);
    while (RealClock().Steady() < deadline) {
      if (auto answer = memory_->Step()) return *std::move(answer);
      std::vector<pollfd> files;
      memory_->AddFiles(files);
      poll(files.data(), files.size(), 20);
    }
    return Internal("no answer");
  }

  TempFolder temp_;
  Duration patience_ = std::chrono::seconds(30);
  std::unique_ptr<ChildGpuMemory> memory_;
};

TEST_F(GpuMemoryTest, IsWhatTheChildPrints) {
  Program("[ \"$1\" = --gpu-memory ] && echo 85899345920 && echo 0");
  EXPECT_FALSE(memory_->Step().has_value()) << "nobody asked";
  memory_->Ask();
  memory_->Ask();
  EXPECT_THAT(*Answer(), ElementsAre(85899345920, 0));
  EXPECT_FALSE(memory_->Step().has_value()) << "once";
  memory_->Ask();
  EXPECT_TRUE(Answer().ok());
}

TEST_F(GpuMemoryTest, WhatIsNoAnswerSaysWhy) {
  Program("echo 12; echo twelve");
  memory_->Ask();
  EXPECT_THAT(Message(Answer().status()), HasSubstr("'twelve' is no number of bytes"));
  Program("echo 12; exit 3");
  memory_->Ask();
  EXPECT_THAT(Message(Answer().status()), HasSubstr("exit 3"));
  memory_ = std::make_unique<ChildGpuMemory>(std::vector<std::string>{temp_.path() + "/none"}, RealClock());
  memory_->Ask();
  EXPECT_THAT(Message(Answer().status()), HasSubstr("/none"));
}

TEST_F(GpuMemoryTest, AChildThatHangsHoldsUpNobody) {
  patience_ = milliseconds(500);
  Program("if [ -e " + temp_.path() + "/well ]; then echo 7; else exec sleep 1000; fi");
  memory_->Ask();
  EXPECT_THAT(Message(Answer().status()), HasSubstr("has not answered"));
  ASSERT_TRUE(WriteFileAtomically(temp_.path() + "/well", "").ok());
  StatusOr<std::vector<std::int64_t>> answer = Internal("");
  for (int i = 0; i < 100 && !answer.ok(); ++i) {  // until the killed one is gone
    std::this_thread::sleep_for(milliseconds(20));
    memory_->Ask();
    answer = Answer();
  }
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(*answer, ElementsAre(7));
  Program("exec sleep 1000");
  memory_->Ask();
  memory_->Step();
  memory_.reset();  // does not wait for it
}

TEST(GpuMemoryText, IsALineForEachGpu) {
  class Two : public DeviceProbe {
   public:
    StatusOr<std::vector<Gpu>> Gpus() override {
      return std::vector<Gpu>{{"A GPU", 100, 7}, {"A GPU", 100, 0}};
    }
    Cpu HostCpu() override { return {}; }
  } devices;
  EXPECT_EQ(*GpuMemoryText(devices), "7\n0\n");
}

}  // namespace
}  // namespace lorikeet::agent
