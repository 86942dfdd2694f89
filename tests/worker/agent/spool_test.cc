#include "worker/agent/spool.h"

#include <gmock/gmock.h>

#include <fstream>

#include "common/files.h"
#include "tests/worker/agent/fakes.h"
#include "tests/worker/agent/faulty_disk.h"

namespace lorikeet::agent {
namespace {

std::unique_ptr<Spool> OpenOrDie(const std::string& path) {
  auto spool = Spool::Open(RealDisk(), path);
  EXPECT_TRUE(spool.ok()) << spool.status();
  return *std::move(spool);
}

std::vector<std::string> Payloads(const Spool& spool, std::int64_t after = 0) {
  std::vector<std::string> payloads;
  const auto records = spool.Read(after, 1'000'000, 1U << 30);
  EXPECT_TRUE(records.ok()) << records.status();
  if (!records.ok()) return payloads;
  for (const Spool::Record& record : *records) {
    EXPECT_EQ(record.sequence, ++after);
    payloads.push_back(record.payload);
  }
  return payloads;
}

TEST(Spool, NumbersFromOneAndReplays) {
  const TempFolder folder;
  const std::string path = folder.path() + "/spool";
  {
    const auto spool = OpenOrDie(path);
    EXPECT_EQ(spool->last(), 0);
    EXPECT_TRUE(spool->empty());
    ASSERT_TRUE(spool->Append("one", false).ok());
    ASSERT_TRUE(spool->Append("", false).ok());
    ASSERT_TRUE(spool->Append("three", true).ok());
    EXPECT_EQ(spool->last(), 3);
  }
  const auto spool = OpenOrDie(path);
  EXPECT_EQ(spool->last(), 3);
  EXPECT_EQ(spool->dropped_bytes(), 0);
  EXPECT_THAT(Payloads(*spool), testing::ElementsAre("one", "", "three"));
  EXPECT_THAT(Payloads(*spool, 2), testing::ElementsAre("three"));
}

TEST(Spool, BoundsWhatItReads) {
  const TempFolder folder;
  const auto spool = OpenOrDie(folder.path() + "/spool");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(spool->Append(std::string(100, 'x'), false).ok());
  EXPECT_EQ(spool->Read(0, 4, 1 << 20)->size(), 4U);
  EXPECT_EQ(spool->Read(0, 100, 350)->size(), 3U);
  EXPECT_EQ(spool->Read(0, 100, 1)->size(), 1U) << "one event always goes";
  EXPECT_EQ(spool->Read(10, 100, 1000)->size(), 0U);
}

// Whatever byte a crash cuts at, what was whole before it is there and numbering goes on.
TEST(Spool, DropsATornEndWhereverItIsTorn) {
  const TempFolder folder;
  const std::string path = folder.path() + "/spool";
  {
    const auto spool = OpenOrDie(path);
    ASSERT_TRUE(spool->Append("first", false).ok());
    ASSERT_TRUE(spool->Append("second", false).ok());
  }
  const std::string whole = *ReadFile(path);
  const std::size_t first_end = 16 + 16 + 5;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_TRUE(WriteFileAtomically(path, whole.substr(0, size)).ok());
    const auto spool = OpenOrDie(path);
    const std::int64_t left = size >= first_end ? 1 : 0;
    EXPECT_EQ(spool->last(), left) << "cut at " << size;
    ASSERT_TRUE(spool->Append("next", false).ok());
    EXPECT_EQ(Payloads(*spool).back(), "next");
    EXPECT_EQ(OpenOrDie(path)->last(), left + 1) << "cut at " << size;
  }
}

TEST(Spool, DropsWhatDoesNotCheck) {
  const TempFolder folder;
  const std::string path = folder.path() + "/spool";
  {
    const auto spool = OpenOrDie(path);
    for (const char* text : {"first", "second", "third"}) ASSERT_TRUE(spool->Append(text, false).ok());
  }
  std::string bytes = *ReadFile(path);
  bytes[bytes.find("second")] = 'S';
  ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
  const auto spool = OpenOrDie(path);
  EXPECT_THAT(Payloads(*spool), testing::ElementsAre("first"));
  EXPECT_GT(spool->dropped_bytes(), 0);
}

TEST(Spool, RefusesAnotherKindOfFile) {
  const TempFolder folder;
  const std::string path = folder.path() + "/spool";
  ASSERT_TRUE(WriteFileAtomically(path, "something else altogether").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Spool::Open(RealDisk(), path).status()));
  EXPECT_TRUE(absl::IsNotFound(Spool::Open(RealDisk(), folder.path() + "/no/such/folder").status()));
}

TEST(Spool, AcknowledgesUpToWhatItHas) {
  const TempFolder folder;
  const auto spool = OpenOrDie(folder.path() + "/spool");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(spool->Append("event", false).ok());
  ASSERT_TRUE(spool->Acknowledge(2).ok());
  EXPECT_FALSE(spool->empty());
  ASSERT_TRUE(spool->Acknowledge(1).ok());
  EXPECT_EQ(spool->acknowledged(), 2);
  ASSERT_TRUE(spool->Acknowledge(99).ok());
  EXPECT_EQ(spool->acknowledged(), 3);
  EXPECT_TRUE(spool->empty());
}

TEST(Spool, FreesTheDiskAndKeepsCounting) {
  const TempFolder folder;
  const std::string path = folder.path() + "/spool";
  {
    const auto spool = OpenOrDie(path);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(spool->Append(std::string(1 << 20, 'x'), false).ok());
    ASSERT_TRUE(spool->Acknowledge(3).ok());
    EXPECT_LT(std::filesystem::file_size(path), 100U);
    EXPECT_EQ(spool->last(), 3);
    ASSERT_TRUE(spool->Append("fourth", true).ok());
    EXPECT_EQ(spool->Read(3, 10, 100)->at(0).sequence, 4);
  }
  const auto spool = OpenOrDie(path);
  EXPECT_EQ(spool->last(), 4);
  EXPECT_EQ(spool->acknowledged(), 3);
}

TEST(Spool, KeepsInMemoryWhatAFullDiskDoesNotTake) {
  const TempFolder folder;
  const std::string path = folder.path() + "/spool";
  FaultyDisk disk;
  {
    const auto spool = *Spool::Open(disk, path);
    ASSERT_TRUE(spool->Append("one", true).ok());
    disk.full = true;
    ASSERT_TRUE(spool->Append("two", false).ok());
    ASSERT_TRUE(spool->Append("three", true).ok());
    EXPECT_EQ(spool->waiting_bytes(), 8U);
    EXPECT_EQ(spool->last(), 3);
    EXPECT_THAT(Payloads(*spool), testing::ElementsAre("one", "two", "three"));
    EXPECT_THAT(Payloads(*spool, 2), testing::ElementsAre("three"));
    EXPECT_EQ(OpenOrDie(path)->last(), 1) << "half a record does not count";
    disk.full = false;
    ASSERT_TRUE(spool->Flush().ok());
    EXPECT_EQ(spool->waiting_bytes(), 0U);
  }
  EXPECT_THAT(Payloads(*OpenOrDie(path)), testing::ElementsAre("one", "two", "three"));
}

TEST(Spool, FreesAFullDiskLater) {
  const TempFolder folder;
  const std::string path = folder.path() + "/spool";
  FaultyDisk disk;
  const auto spool = *Spool::Open(disk, path);
  ASSERT_TRUE(spool->Append(std::string(2 << 20, 'x'), false).ok());
  disk.full = true;
  EXPECT_TRUE(spool->Acknowledge(1).ok());
  disk.full = false;
  EXPECT_TRUE(spool->Acknowledge(1).ok());
  EXPECT_LT(std::filesystem::file_size(path), 100U);
}

TEST(Spool, IsNotTrustedAgainAfterAFailure) {
  const TempFolder folder;
  FaultyDisk disk;
  const auto spool = *Spool::Open(disk, folder.path() + "/spool");
  disk.full_fsync = true;
  EXPECT_TRUE(absl::IsInternal(spool->Append("one", true)));
  disk.full_fsync = false;
  EXPECT_TRUE(absl::IsInternal(spool->Append("two", true)));
  EXPECT_TRUE(absl::IsInternal(spool->Flush()));
  EXPECT_TRUE(absl::IsInternal(spool->Read(0, 10, 100).status()));
}

TEST(Spool, RestartsBehindWhatTheCoordinatorHas) {
  const TempFolder folder;
  const std::string path = folder.path() + "/spool";
  FaultyDisk disk;
  {
    const auto spool = *Spool::Open(disk, path);
    ASSERT_TRUE(spool->Append("one", true).ok());
    spool->Restart(7);
    EXPECT_TRUE(spool->empty());
    EXPECT_EQ(spool->last(), 7);
    ASSERT_TRUE(spool->Append("eight", true).ok());
    EXPECT_THAT(Payloads(*spool, 7), testing::ElementsAre("eight"));
  }
  const auto spool = OpenOrDie(path);
  EXPECT_EQ(spool->acknowledged(), 7);
  EXPECT_THAT(Payloads(*spool, 7), testing::ElementsAre("eight"));
}

TEST(Spool, WithoutAFileCountsOnFromWhereItIsTold) {
  const auto spool = Spool::InMemory(4);
  EXPECT_EQ(spool->last(), 4);
  ASSERT_TRUE(spool->Append("five", true).ok());
  EXPECT_EQ(spool->waiting_bytes(), 0U) << "it waits for no disk";
  EXPECT_THAT(Payloads(*spool, 4), testing::ElementsAre("five"));
  ASSERT_TRUE(spool->Acknowledge(5).ok());
  EXPECT_TRUE(spool->empty());
}

}  // namespace
}  // namespace lorikeet::agent
