#include "worker/agent/fingerprint_thread.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "common/files.h"
#include "tests/worker/agent/fakes.h"

namespace lorikeet::agent {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class FingerprintThreadTest : public testing::Test {
 protected:
  FingerprintThreadTest() {
    std::filesystem::create_directory(temp_.path() + "/model");
    std::filesystem::create_directory(temp_.path() + "/adapter");
    for (const char* name :
         {"model/config.json", "model/spiece.model", "model/model.safetensors", "train.jsonl", "test.jsonl",
          "adapter/adapter_config.json", "adapter/adapter_model.safetensors"})
      EXPECT_TRUE(WriteFileAtomically(temp_.path() + "/" + name, name).ok());
    trial_ = SmallTrial();
    trial_.model = temp_.path() + "/model";
    trial_.data.train = trial_.data.validation = temp_.path() + "/train.jsonl";
    trial_.data.test = temp_.path() + "/test.jsonl";
    thread_ = *FingerprintThread::Create(files::FolderCache());
  }
  std::vector<FingerprintThread::Answer> Take() {
    pollfd wake{thread_->wake_file(), POLLIN, 0};
    EXPECT_EQ(poll(&wake, 1, 30'000), 1);
    return thread_->Take();
  }

  TempFolder temp_;
  Trial trial_;
  std::unique_ptr<FingerprintThread> thread_;
};

TEST_F(FingerprintThreadTest, AnswersWithTheTrainersFingerprints) {
  trial_.method = Method::kLora;
  trial_.lora.adapter = temp_.path() + "/adapter";
  thread_->Ask("a-1", trial_);
  const auto answers = Take();
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].attempt_id, "a-1");
  const auto& found = *answers[0].found;
  ASSERT_THAT(found, SizeIs(4)) << "a file that is named twice is read once";
  EXPECT_EQ(found[0].name, "model");
  EXPECT_EQ(found[0].value, *files::FingerprintModel(trial_.model));
  EXPECT_EQ(found[1].name, trial_.data.train);
  EXPECT_EQ(found[1].value, *files::FingerprintFile(trial_.data.train));
  EXPECT_EQ(found[2].name, trial_.data.test);
  EXPECT_EQ(found[3].name, trial_.lora.adapter);
  EXPECT_EQ(found[3].value, *files::FingerprintAdapter(trial_.lora.adapter));
  pollfd wake{thread_->wake_file(), POLLIN, 0};
  EXPECT_EQ(poll(&wake, 1, 0), 0) << "they were taken";
}

TEST_F(FingerprintThreadTest, WhatIsMissingIsAmongThem) {
  std::filesystem::remove(trial_.data.test);
  thread_->Ask("a-1", trial_);
  const auto found = *Take().at(0).found;
  EXPECT_EQ(found[0].error, "");
  EXPECT_EQ(found[2].value, "");
  EXPECT_THAT(found[2].error, HasSubstr("test.jsonl: cannot be read"));
}

TEST_F(FingerprintThreadTest, WhatCannotBeReadNowIsNoAnswer) {
  std::filesystem::remove(trial_.data.test);
  std::filesystem::create_symlink(trial_.data.test, trial_.data.test);  // in a circle: it is there
  thread_->Ask("a-1", trial_);
  thread_->Ask("a-2", trial_);
  auto answers = Take();
  if (answers.size() == 1) answers.push_back(Take().at(0));  // it goes on with the next
  for (const auto& answer : answers) {
    EXPECT_TRUE(absl::IsInternal(answer.found.status())) << answer.found.status();
    EXPECT_THAT(Message(answer.found.status()), HasSubstr("test.jsonl: cannot be read: "));
  }
  EXPECT_EQ(answers.at(1).attempt_id, "a-2");
}

TEST_F(FingerprintThreadTest, ItsEndLeavesBehindAReadThatHangs) {
  const auto asked = std::make_shared<absl::Notification>(), release = std::make_shared<absl::Notification>();
  thread_ = *FingerprintThread::Create(
      [=](const Trial&, const files::Stop&) -> StatusOr<std::vector<FileFingerprint>> {
        asked->Notify();
        release->WaitForNotification();
        return std::vector<FileFingerprint>();
      },
      std::chrono::milliseconds(50));
  thread_->Ask("a-1", trial_);
  asked->WaitForNotification();
  thread_.reset();
  EXPECT_FALSE(release->HasBeenNotified());
  release->Notify();
}

TEST_F(FingerprintThreadTest, ItsEndDoesNotWaitForWhatItReads) {
  std::filesystem::resize_file(trial_.data.test, 1ULL << 38);  // all hole: no disk, but minutes to hash
  thread_->Ask("a-1", trial_);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto begin = std::chrono::steady_clock::now();
  thread_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace lorikeet::agent
