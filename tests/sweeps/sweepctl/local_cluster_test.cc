#include "sweeps/sweepctl/local_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/files.h"
#include "tests/paths.h"

namespace lorikeet::sweepctl {
namespace {

using ::testing::HasSubstr;

TEST(SplitMachine, SharesThreadsOnCpus) {
  const auto shares = SplitMachine(2, 0, 8);
  ASSERT_TRUE(shares.ok());
  ASSERT_EQ(shares->size(), 2U);
  for (const WorkerShare& share : *shares) {
    EXPECT_EQ(share.devices, "auto");
    EXPECT_EQ(share.threads, 4);
  }
  EXPECT_EQ((*SplitMachine(3, 0, 2))[0].threads, 1) << "never none";
}

TEST(SplitMachine, SharesGpus) {
  EXPECT_EQ((*SplitMachine(1, 4, 8))[0].devices, "auto");
  const auto shares = SplitMachine(2, 3, 8);
  ASSERT_TRUE(shares.ok());
  EXPECT_EQ((*shares)[0].devices, "cuda:0,2");
  EXPECT_EQ((*shares)[1].devices, "cuda:1");
  EXPECT_TRUE(absl::IsInvalidArgument(SplitMachine(4, 3, 8).status()));
}

class LocalClusterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/lorikeet-cluster-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(LocalClusterTest, StartsAndStopsACoordinator) {
  const std::string data = folder_ + "/data";
  auto cluster = LocalCluster::Start({.programs = kBinDir, .data = data});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_THAT((*cluster)->address(), HasSubstr("127.0.0.1:"));
  EXPECT_TRUE((*cluster)->Check().ok());
  EXPECT_TRUE(std::filesystem::exists((*cluster)->token_file()));

  const Status second = LocalCluster::Start({.programs = kBinDir, .data = data}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  EXPECT_THAT(Message(second), HasSubstr("coordinator.log")) << "the log is named and its end shown";

  EXPECT_EQ(*ReadFile(data + "/coordinator.address"), (*cluster)->address() + "\n") << "still the first's";

  std::filesystem::create_directories(data + "/workers/1/trials/t-1/checkpoint");
  std::filesystem::create_directories(data + "/workers/1/trials/t-2");
  (*cluster)->ForgetTrials({"t-1", "t-9"});
  EXPECT_FALSE(std::filesystem::exists(data + "/workers/1/trials/t-1"));
  EXPECT_TRUE(std::filesystem::exists(data + "/workers/1/trials/t-2"));

  EXPECT_TRUE((*cluster)->Stop().ok());
  EXPECT_TRUE(std::filesystem::exists(data + "/results.db"));
  EXPECT_FALSE(std::filesystem::exists(data + "/coordinator.address"));
  EXPECT_FALSE(std::filesystem::exists(data + "/results.db-wal"));
}

TEST_F(LocalClusterTest, IsNotMisledByTheAddressOfARunThatWasKilled) {
  const std::string data = folder_ + "/data";
  std::filesystem::create_directories(data);
  ASSERT_TRUE(WriteFileAtomically(data + "/coordinator.address", "127.0.0.1:1\n").ok());
  auto cluster = LocalCluster::Start({.programs = kBinDir, .data = data});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_NE((*cluster)->address(), "127.0.0.1:1");
  EXPECT_TRUE((*cluster)->Stop().ok());
}

TEST_F(LocalClusterTest, NamesAProgramThatIsMissing) {
  const Status status = LocalCluster::Start({.programs = folder_, .data = folder_ + "/data"}).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(Message(status), HasSubstr(folder_ + "/sweep-coordinator"));
}

TEST_F(LocalClusterTest, NoticesAWorkerThatEnds) {
  std::filesystem::create_symlink(std::string(kBinDir) + "/sweep-coordinator",
                                  folder_ + "/sweep-coordinator");
  ASSERT_TRUE(
      WriteFileAtomically(folder_ + "/sweep-worker", "#!/bin/sh\necho no room >&2\nexit 1\n", 0700).ok());
  auto cluster = LocalCluster::Start({.programs = folder_, .data = folder_ + "/data"});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_TRUE((*cluster)->StartWorkers({WorkerShare{}}).ok());
  Status status;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while ((status = (*cluster)->Check()).ok()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "the worker goes on";
    usleep(10'000);
  }
  EXPECT_THAT(Message(status), HasSubstr("worker-1 ended (exit 1)"));
  EXPECT_THAT(Message(status), HasSubstr("no room"));
}

}  // namespace
}  // namespace lorikeet::sweepctl
