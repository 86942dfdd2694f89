#include "worker/agent/checkpoint_transfer.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/files.h"
#include "tests/worker/agent/fakes.h"

namespace lorikeet::agent {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class CheckpointTransferTest : public testing::Test {
 protected:
  void Put(const std::string& path, const std::string& bytes = "x") const {
    const fs::path file = temp_.path() + "/" + path;
    fs::create_directories(file.parent_path());
    ASSERT_TRUE(WriteFileAtomically(file, bytes).ok());
  }
  static std::vector<std::string> Names(const rpc::FileReader& reader) {
    std::vector<std::string> names;
    for (const rpc::TransferFile& file : reader.files()) names.push_back(file.name);
    return names;
  }
  static rpc::TransferFile Listed(const std::string& name) {
    return {.name = name, .bytes = 1, .sha256 = std::string(64, 'a')};
  }
  TempFolder temp_;
};

TEST_F(CheckpointTransferTest, ACheckpointIsItsStateAndItsBestWeights) {
  Put("checkpoint/state-2.safetensors");
  Put("checkpoint/best-2-10.safetensors");
  Put("checkpoint/best-2-20.safetensors");
  Put("checkpoint/best-1-5.safetensors");
  Put("checkpoint/state-1.safetensors");
  Put("checkpoint/best-2-30.safetensors.tmp.7");
  Put("checkpoint/done-2");
  const auto opened = OpenCheckpoint(temp_.path(), 2);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(Names(**opened),
              ElementsAre("best-2-10.safetensors", "best-2-20.safetensors", "state-2.safetensors"));
  EXPECT_TRUE(absl::IsNotFound(OpenCheckpoint(temp_.path(), 3).status()));
}

// A trainer that goes on: what is opened is one moment's, the best weights that the state names among it.
TEST_F(CheckpointTransferTest, ACheckpointIsOneMoments) {
  std::atomic<bool> end = false;
  Put("checkpoint/best-1-0.safetensors");
  Put("checkpoint/state-1.safetensors", "0");
  std::thread trainer([&] {
    for (int step = 1; !end; ++step) {
      // The order of CheckpointFolder: the weights, the state that names them, then the older weights go.
      Put("checkpoint/best-1-" + std::to_string(step) + ".safetensors");
      Put("checkpoint/state-1.safetensors", std::to_string(step));
      fs::remove(temp_.path() + "/checkpoint/best-1-" + std::to_string(step - 1) + ".safetensors");
    }
  });
  int opened = 0;
  for (int i = 0; i < 2000 && opened < 200; ++i) {
    auto reader = OpenCheckpoint(temp_.path(), 1);
    if (!reader.ok()) {
      EXPECT_TRUE(absl::IsUnavailable(reader.status())) << reader.status();
      continue;
    }
    ++opened;
    std::string bytes, chunk;
    while (!(chunk = (*reader)->Next().value_or("")).empty()) bytes += chunk;
    const std::vector<std::string> names = Names(**reader);
    const std::string step = bytes.substr(names.size() - 1);  // each of the best weights is one byte
    EXPECT_THAT(names, testing::Contains("best-1-" + step + ".safetensors"));
  }
  end = true;
  trainer.join();
  EXPECT_GT(opened, 0);
}

TEST_F(CheckpointTransferTest, AnAdapterIsAllThatWasKept) {
  EXPECT_TRUE(absl::IsNotFound(OpenAdapter(temp_.path()).status()));
  Put("kept/adapter_model.safetensors");
  Put("kept/adapter_config.json");
  const auto opened = OpenAdapter(temp_.path());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(Names(**opened), ElementsAre("adapter_config.json", "adapter_model.safetensors"));
}

TEST_F(CheckpointTransferTest, OnlyACheckpointsFilesAreTaken) {
  EXPECT_TRUE(CheckIsCheckpoint({Listed("state-2.safetensors"), Listed("best-2-9.safetensors")}, 2).ok());
  EXPECT_FALSE(CheckIsCheckpoint({Listed("best-2-9.safetensors")}, 2).ok());
  EXPECT_FALSE(CheckIsCheckpoint({Listed("state-3.safetensors")}, 2).ok());
  EXPECT_FALSE(CheckIsCheckpoint({Listed("state-2.safetensors"), Listed("done-2")}, 2).ok());
  EXPECT_FALSE(CheckIsCheckpoint({Listed("state-2.safetensors"), Listed("evil.so")}, 2).ok());
  EXPECT_FALSE(CheckIsCheckpoint({Listed("state-2.safetensors.tmp.1")}, 2).ok());
}

TEST_F(CheckpointTransferTest, ATrialThatIsGoneGetsNoFolder) {
  const std::string gone = temp_.path() + "/gone";
  EXPECT_TRUE(absl::IsNotFound(MakeAside(gone).status()));
  EXPECT_FALSE(fs::exists(gone));
}

TEST_F(CheckpointTransferTest, WhatCameIsPutBesideWhatIsThere) {
  Put("checkpoint/state-1.safetensors", "older");
  Put("fetched/half", "of an earlier try");
  const auto aside = MakeAside(temp_.path());
  ASSERT_TRUE(aside.ok()) << aside.status();
  EXPECT_TRUE(fs::is_empty(*aside));
  const std::vector<rpc::TransferFile> files = {Listed("state-2.safetensors"),
                                                Listed("best-2-9.safetensors")};
  for (const rpc::TransferFile& file : files) std::ofstream(*aside + "/" + file.name) << "new";
  ASSERT_TRUE(PutInPlace(*aside, temp_.path(), files).ok());
  EXPECT_EQ(*ReadFile(temp_.path() + "/checkpoint/state-2.safetensors"), "new");
  EXPECT_EQ(*ReadFile(temp_.path() + "/checkpoint/best-2-9.safetensors"), "new");
  EXPECT_EQ(*ReadFile(temp_.path() + "/checkpoint/state-1.safetensors"), "older");
  EXPECT_FALSE(fs::exists(*aside));
}

}  // namespace
}  // namespace lorikeet::agent
