#include "worker/agent/data_roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace lorikeet::agent {
namespace {

using ::testing::HasSubstr;

class DataRootsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/lorikeet-roots-XXXXXX";
    folder_ = std::filesystem::canonical(mkdtemp(name));
    for (const char* part : {"data/sets", "data2", "models/base", "secret"}) {
      std::filesystem::create_directories(folder_ + "/" + part);
    }
    std::filesystem::create_symlink(folder_ + "/secret", folder_ + "/data/way-out");
    std::filesystem::create_symlink(folder_ + "/data", folder_ + "/way-in");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Trial MakeTrial() const {
    Trial trial;
    trial.method = Method::kLora;
    trial.model = folder_ + "/models/base";
    trial.data.train = trial.data.validation = trial.data.test = folder_ + "/data/sets/none-yet.jsonl";
    return trial;
  }
  DataRoots Roots() const { return *DataRoots::Create({folder_ + "/way-in", folder_ + "/models/"}); }

  std::string folder_;
};

TEST_F(DataRootsTest, EverywhereUnlessTold) {
  Trial trial = MakeTrial();
  trial.model = "/etc";
  EXPECT_TRUE(DataRoots().everywhere());
  EXPECT_TRUE(DataRoots().Check(trial).ok());
  EXPECT_FALSE(Roots().everywhere());
}

TEST_F(DataRootsTest, TakesWhatLiesUnderOne) {
  EXPECT_TRUE(Roots().Check(MakeTrial()).ok()) << Roots().Check(MakeTrial());
  Trial trial = MakeTrial();
  trial.data.train = folder_ + "/way-in/sets/x.jsonl";  // a link that leads in
  trial.data.validation.clear();                        // from_train
  trial.model = folder_ + "/models";
  EXPECT_TRUE(Roots().Check(trial).ok()) << Roots().Check(trial);
}

TEST_F(DataRootsTest, NamesThePathAndTheRoots) {
  Trial trial = MakeTrial();
  trial.model = "/etc/passwd";
  const Status status = Roots().Check(trial);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(Message(status), "model: /etc/passwd lies outside of what this worker may read (--data-root): " +
                                 folder_ + "/data, " + folder_ + "/models");
}

TEST_F(DataRootsTest, FollowsLinksAndDots) {
  const auto refused = [&](const std::string& path) {
    Trial trial = MakeTrial();
    trial.data.test = path;
    return Message(Roots().Check(trial));
  };
  EXPECT_THAT(refused(folder_ + "/data/way-out/x"),
              HasSubstr("data.test: " + folder_ + "/data/way-out/x leads to " + folder_ +
                        "/secret/x and lies outside"));
  std::filesystem::create_symlink("../secret/not-yet", folder_ + "/data/dangling");
  EXPECT_THAT(refused(folder_ + "/data/dangling"), HasSubstr("leads to " + folder_ + "/secret/not-yet and"));
  EXPECT_THAT(refused(folder_ + "/data/sets/../../secret/x"), HasSubstr("leads to " + folder_ + "/secret/x"));
  EXPECT_THAT(refused(folder_ + "/data/none/../../../secret/x"), HasSubstr("lies outside"));
  EXPECT_THAT(refused(folder_ + "/data2/x"), HasSubstr("lies outside")) << "a longer name is another folder";
  EXPECT_THAT(refused("data/sets/x"), HasSubstr("a relative path"));
}

TEST_F(DataRootsTest, LooksAtLinksInAModelsFolder) {
  const std::string model = folder_ + "/models/base/";
  std::filesystem::create_directories(folder_ + "/models/blobs");
  std::filesystem::create_symlink("../blobs/abc", model + "config.json");       // as in Hugging Face's cache
  std::filesystem::create_symlink(folder_ + "/secret/x", model + "notes.txt");  // nobody reads that
  EXPECT_TRUE(Roots().Check(MakeTrial()).ok()) << Roots().Check(MakeTrial());
  std::filesystem::create_symlink(folder_ + "/secret/x", model + "spiece.model");
  EXPECT_THAT(Message(Roots().Check(MakeTrial())),
              ::testing::StartsWith("model: " + model + "spiece.model leads out"));
}

TEST_F(DataRootsTest, LooksAtEveryPath) {
  const std::string outside = folder_ + "/secret/x";
  const auto refused = [&](const char* key, const auto& set) {
    Trial trial = MakeTrial();
    set(trial);
    EXPECT_THAT(Message(Roots().Check(trial)), ::testing::StartsWith(std::string(key) + ": ")) << key;
  };
  refused("model", [&](Trial& trial) { trial.model = outside; });
  refused("data.train", [&](Trial& trial) { trial.data.train = outside; });
  refused("data.validation", [&](Trial& trial) { trial.data.validation = outside; });
  refused("data.test", [&](Trial& trial) { trial.data.test = outside; });
  refused("adapter", [&](Trial& trial) { trial.lora.adapter = outside; });
  refused("adapter", [&](Trial& trial) {
    trial.method = Method::kPrompt;
    trial.prompt.adapter = outside;
  });
}

TEST_F(DataRootsTest, ARootIsAFolder) {
  EXPECT_THAT(Message(DataRoots::Create({folder_ + "/none"}).status()),
              HasSubstr("--data-root " + folder_ + "/none"));
  EXPECT_THAT(Message(DataRoots::Create({"/etc/passwd"}).status()), HasSubstr("not a folder"));
}

}  // namespace
}  // namespace lorikeet::agent
