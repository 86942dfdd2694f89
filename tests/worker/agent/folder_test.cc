#include "worker/agent/folder.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "common/files.h"
#include "common/subprocess.h"
#include "tests/worker/agent/fakes.h"
#include "tests/worker/agent/faulty_disk.h"
#include "worker/agent/attempts.h"
#include "worker/agent/duration.h"

namespace lorikeet::agent {
namespace {

using testing::HasSubstr;

std::unique_ptr<Folder> OpenOrDie(const std::string& path) {
  auto folder = Folder::Open(path, SystemRandom(), RealDisk());
  EXPECT_TRUE(folder.ok()) << folder.status();
  return *std::move(folder);
}

TEST(Folder, KeepsItsIdentity) {
  const TempFolder temp;
  const std::string path = temp.path() + "/made/on/demand";
  const std::string identity = OpenOrDie(path)->identity();
  EXPECT_EQ(identity.rfind("w-", 0), 0U);
  EXPECT_EQ(OpenOrDie(path)->identity(), identity);
  ASSERT_TRUE(WriteFileAtomically(path + "/identity", "../etc\n").ok());
  EXPECT_THAT(Message(Folder::Open(path, SystemRandom(), RealDisk()).status()),
              HasSubstr("no worker's identity"));
}

TEST(Folder, IsThereAfterAPowerCutAtTheFirstStart) {
  SeededRandom random(1);
  for (int i = 0; i < 30; ++i) {
    const TempFolder temp;
    FaultyDisk disk;
    const std::string path = temp.path() + "/made/on/demand";
    const std::string identity = (*Folder::Open(path, random, disk))->identity();
    disk.PowerCut(random);
    ASSERT_TRUE(std::filesystem::is_directory(path + "/attempts"));
    ASSERT_TRUE(std::filesystem::is_directory(path + "/trials"));
    EXPECT_EQ((*Folder::Open(path, random, disk))->identity(), identity);
  }
}

TEST(Folder, SaysWhetherItCanBeWritten) {
  const TempFolder temp;
  FaultyDisk disk;
  const auto folder = *Folder::Open(temp.path(), SystemRandom(), disk);
  EXPECT_TRUE(folder->Check().ok());
  disk.full = true;
  EXPECT_TRUE(folder->Check().ok()) << "that passes";
  disk.failing.insert(temp.path());
  disk.full = false;
  EXPECT_TRUE(absl::IsInternal(folder->Check()));
}

TEST(Folder, CountsItsStarts) {
  const TempFolder temp;
  EXPECT_EQ(OpenOrDie(temp.path())->starts(), 1);
  EXPECT_EQ(OpenOrDie(temp.path())->starts(), 2);
  ASSERT_TRUE(WriteFileAtomically(temp.path() + "/starts", "many\n").ok());
  EXPECT_THAT(Message(Folder::Open(temp.path(), SystemRandom(), RealDisk()).status()),
              HasSubstr("no number of starts"));
}

TEST(Folder, RefusesASecondWorkerAndNamesTheFirst) {
  const TempFolder temp;
  const auto first = OpenOrDie(temp.path());
  const auto second = Folder::Open(temp.path(), SystemRandom(), RealDisk());
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(Message(second.status()), HasSubstr("process " + std::to_string(getpid())));
}

TEST(Folder, LetsNoIdLeaveIt) {
  const TempFolder temp;
  const auto folder = OpenOrDie(temp.path());
  for (const char* id : {"", "..", "../x", "a/b", ".hidden", "a b"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(folder->AttemptFolder(id).status())) << id;
    EXPECT_TRUE(absl::IsInvalidArgument(folder->TrialFolder(id).status())) << id;
  }
  EXPECT_EQ(*folder->TrialFolder("t-0a.b_C"), folder->path() + "/trials/t-0a.b_C");
}

TEST(Folder, RemovesOldTrialsButThoseInUse) {
  const TempFolder temp;
  const auto folder = OpenOrDie(temp.path());
  for (const char* id : {"t-old", "t-kept", "t-new"}) {
    const std::string path = *folder->TrialFolder(id);
    std::filesystem::create_directories(path);
    if (std::string(id) == "t-new") continue;
    std::filesystem::last_write_time(path,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(50));
  }
  folder->RemoveOldTrials(std::chrono::hours(49), {"t-kept"});
  EXPECT_FALSE(std::filesystem::exists(*folder->TrialFolder("t-old")));
  EXPECT_TRUE(std::filesystem::exists(*folder->TrialFolder("t-kept")));
  EXPECT_TRUE(std::filesystem::exists(*folder->TrialFolder("t-new")));
}

TEST(Attempts, ComeBackWithTheirSpools) {
  const TempFolder temp;
  const auto folder = OpenOrDie(temp.path());
  {
    auto stored = StoreAttempt(*folder, {"a-1", 7, "t-1", 2, {0, 3}});
    ASSERT_TRUE(stored.ok()) << stored.status();
    ASSERT_TRUE(stored->spool->Append("event", true).ok());
  }
  std::filesystem::create_directories(
      *folder->AttemptFolder("a-2"));  // a crash before its record was written
  std::vector<std::string> warnings;
  const auto recovered = RecoverAttempts(*folder, warnings);
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  ASSERT_EQ(recovered->size(), 1U);
  EXPECT_EQ(recovered->at(0).record.token, 7);
  EXPECT_EQ(recovered->at(0).record.trial_id, "t-1");
  EXPECT_THAT(recovered->at(0).record.slots, testing::ElementsAre(0, 3));
  EXPECT_EQ(recovered->at(0).spool->last(), 1);
  EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("a-2")));
  EXPECT_FALSE(std::filesystem::exists(*folder->AttemptFolder("a-2")));
}

TEST(Attempts, KillWhatAnEarlierRunLeft) {
  const TempFolder temp;
  const auto folder = OpenOrDie(temp.path());
  for (const char* id : {"a-left", "a-stranger"})
    ASSERT_TRUE(StoreAttempt(*folder, {id, 1, "t-1", 1, {0}}).ok());
  SubprocessOptions options;
  options.command = {"/bin/sh", "-c", "sleep 1000; sleep 1000"};
  const auto leftover = *Subprocess::Start(options);
  const auto stranger = *Subprocess::Start(options);
  ASSERT_TRUE(StoreProcess(*folder->AttemptFolder("a-left"), leftover->pid()).ok());
  // A number that has gone to another process since: the start time is not the one written down.
  const std::string file = *folder->AttemptFolder("a-stranger") + "/process";
  ASSERT_TRUE(StoreProcess(*folder->AttemptFolder("a-stranger"), stranger->pid()).ok());
  std::string text = *ReadFile(file);
  char& digit = text[text.find("\"start\":") + 8];
  digit = digit == '9' ? '8' : '9';
  ASSERT_TRUE(WriteFileAtomically(file, text).ok());

  std::vector<std::string> warnings;
  ASSERT_TRUE(RecoverAttempts(*folder, warnings).ok());
  EXPECT_FALSE(leftover->GroupAlive());
  EXPECT_EQ(leftover->Wait(std::chrono::seconds(5))->signal, SIGKILL);
  EXPECT_TRUE(stranger->GroupAlive());
}

TEST(Attempts, KillWhatHasLeftItsTrainersGroup) {
  const TempFolder temp;
  const auto folder = OpenOrDie(temp.path());
  for (const char* id : {"a-left", "a-reused"})
    ASSERT_TRUE(StoreAttempt(*folder, {id, 1, "t-1", 1, {0}}).ok());
  SubprocessOptions options;
  options.command = {"/bin/sh", "-c", "sleep 1000 & exec sleep 0.1"};
  options.environment = {{kAttemptMark, *folder->AttemptFolder("a-left")}};
  const auto leftover = *Subprocess::Start(options);
  ASSERT_TRUE(StoreProcess(*folder->AttemptFolder("a-left"), leftover->pid()).ok());
  options.environment.clear();
  // A group whose leader has gone, under the number of an attempt's trainer: whose it is nobody can tell by
  // that.
  const auto stranger = *Subprocess::Start(options);
  ASSERT_TRUE(StoreProcess(*folder->AttemptFolder("a-reused"), stranger->pid()).ok());
  ASSERT_TRUE(leftover->Wait(std::chrono::seconds(20)) && stranger->Wait(std::chrono::seconds(20)));
  ASSERT_TRUE(leftover->GroupAlive() && stranger->GroupAlive());
  std::vector<std::string> warnings;
  ASSERT_TRUE(RecoverAttempts(*folder, warnings).ok());
  EXPECT_FALSE(leftover->GroupAlive());
  EXPECT_TRUE(stranger->GroupAlive());
}

TEST(Duration, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(*ParseDuration("500ms"), std::chrono::milliseconds(500));
  EXPECT_EQ(*ParseDuration("30s"), std::chrono::seconds(30));
  EXPECT_EQ(*ParseDuration("10m"), std::chrono::minutes(10));
  EXPECT_EQ(*ParseDuration("1h"), std::chrono::hours(1));
  EXPECT_EQ(*ParseDuration("2d"), std::chrono::hours(48));
  EXPECT_EQ(*ParseDuration("0"), Duration::zero());
  for (const char* text : {"", "h", "10", "-1s", "1 h", "1w", "99999999999999d", "1.5h"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseDuration(text).status())) << text;
  }
}

}  // namespace
}  // namespace lorikeet::agent
