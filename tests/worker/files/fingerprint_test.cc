#include "worker/files/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace lorikeet::files {
namespace {

std::string Of(const std::vector<std::string>& parts) {
  Fingerprint fingerprint;
  for (const std::string& part : parts) fingerprint.Add(part);
  return fingerprint.Hex();
}

TEST(FingerprintTest, IsSha256OfLengthAndText) {
  // printf '' | sha256sum, and printf '\3\0\0\0\0\0\0\0abc' | sha256sum
  EXPECT_EQ(Of({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Of({"abc"}), "ce91dc5eec0139adf091900d225971d6ad246a845bad791b5693a9d0d55dd391");
}

TEST(FingerprintTest, PartsCannotRunIntoEachOther) {
  EXPECT_NE(Of({"ab", "c"}), Of({"a", "bc"}));
  EXPECT_NE(Of({"ab"}), Of({"ab", ""}));
  EXPECT_EQ(Of({"ab", "c"}), Of({"ab", "c"}));
}

class ModelFingerprintTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "lorikeet-fingerprint-XXXXXX";
    folder_ = mkdtemp(name.data());
    Write("config.json", "{}");
    Write("spiece.model", "pieces");
    Write("model-00001-of-00002.safetensors", std::string(2'500'000, 'x'));
    Write("model-00002-of-00002.safetensors", "second");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << content;
  }
  std::string folder_;
};

TEST_F(ModelFingerprintTest, ChangesWithEveryFileThatCounts) {
  const std::string before = *FingerprintModel(folder_);
  EXPECT_EQ(before.size(), 64u);
  EXPECT_EQ(*FingerprintModel(folder_), before);
  EXPECT_EQ(*FingerprintModel(folder_ + "/"), before);  // the path is no part of it
  Write("README.md", "not the model");
  EXPECT_EQ(*FingerprintModel(folder_), before);
  std::string last = before;
  const auto changed = [&] {
    const std::string now = *FingerprintModel(folder_);
    const bool differs = now != last;
    last = now;
    return differs;
  };
  Write("config.json", "{ }");
  EXPECT_TRUE(changed());
  Write("spiece.model", "Pieces");
  EXPECT_TRUE(changed());
  Write("model-00001-of-00002.safetensors", std::string(2'499'999, 'x') + "y");
  EXPECT_TRUE(changed());
  Write("model.safetensors.index.json", "{}");
  EXPECT_TRUE(changed());
  std::filesystem::rename(folder_ + "/model-00002-of-00002.safetensors", folder_ + "/x.safetensors");
  EXPECT_TRUE(changed());
}

TEST_F(ModelFingerprintTest, MissingFilesAreNamed) {
  EXPECT_TRUE(absl::IsNotFound(FingerprintModel(folder_ + "/none").status()));
  std::filesystem::remove(folder_ + "/spiece.model");
  EXPECT_THAT(Message(FingerprintModel(folder_).status()),
              ::testing::HasSubstr("spiece.model: cannot be read"));
  std::filesystem::remove(folder_ + "/model-00001-of-00002.safetensors");
  std::filesystem::remove(folder_ + "/model-00002-of-00002.safetensors");
  EXPECT_EQ(Message(FingerprintModel(folder_).status()), folder_ + ": holds no *.safetensors file");
}

// An outage of a file server, permissions, too many open files: not what a missing file is.
TEST_F(ModelFingerprintTest, WhatIsThereAndCannotBeReadIsNotMissing) {
  const std::string circle = folder_ + "/circle";
  std::filesystem::create_symlink(circle, circle);
  const auto data = FingerprintFile(circle);
  EXPECT_TRUE(absl::IsInternal(data.status())) << data.status();
  EXPECT_THAT(Message(data.status()), ::testing::HasSubstr("circle: cannot be read: "));
  EXPECT_TRUE(absl::IsInternal(FingerprintModel(circle).status()));
  EXPECT_TRUE(absl::IsInternal(FingerprintAdapter(circle).status()));
  std::filesystem::rename(circle, folder_ + "/spiece.model");
  std::filesystem::remove(folder_ + "/spiece.model");
  std::filesystem::create_symlink(folder_ + "/spiece.model", folder_ + "/spiece.model");
  EXPECT_TRUE(absl::IsInternal(FingerprintModel(folder_).status()));
  EXPECT_TRUE(absl::IsNotFound(FingerprintFile(folder_ + "/config.json/data.jsonl").status()));
}

TEST_F(ModelFingerprintTest, IsRememberedUntilAFileChanges) {
  namespace fs = std::filesystem;
  const std::string kept = folder_ + "/cache";
  const FolderCache cache(kept, FolderCache::kMostBytes, std::chrono::milliseconds(30));
  const auto settle = [] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); };
  const std::string before = *FingerprintModel(folder_);
  EXPECT_EQ(*FingerprintModel(folder_, FolderCache(kept)), before);
  EXPECT_FALSE(fs::exists(kept));  // the files are from this moment
  settle();
  EXPECT_EQ(*FingerprintModel(folder_, cache), before);
  ASSERT_TRUE(fs::exists(kept));
  const fs::path entry = fs::directory_iterator(kept)->path();
  const auto marked = fs::file_time_type::clock::now() - std::chrono::hours(5);
  fs::last_write_time(entry, marked);
  EXPECT_EQ(*FingerprintModel(folder_, cache), before);
  EXPECT_NE(fs::last_write_time(entry), marked);  // it was used
  Write("model-00002-of-00002.safetensors", "sEcond");
  settle();
  const std::string after = *FingerprintModel(folder_, cache);
  EXPECT_NE(after, before);
  EXPECT_EQ(after, *FingerprintModel(folder_));
}

TEST_F(ModelFingerprintTest, OfAFileItIsWhatSha256sumPrints) {
  Write("data.jsonl", "abc");
  EXPECT_EQ(*FingerprintFile(folder_ + "/data.jsonl"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Write("data.jsonl", std::string(2'500'000, 'x'));  // printf 'x%.0s' {1..2500000} | sha256sum
  EXPECT_EQ(*FingerprintFile(folder_ + "/data.jsonl"),
            "b28d028158597a0e9d58d8ece40e918253ad02ea5de85af96eccd4a00a848f93");
  EXPECT_TRUE(absl::IsNotFound(FingerprintFile(folder_ + "/none").status()));
  EXPECT_TRUE(absl::IsNotFound(FingerprintFile(folder_).status()));
}

TEST_F(ModelFingerprintTest, AnAdapterIsItsTwoFiles) {
  EXPECT_TRUE(absl::IsNotFound(FingerprintAdapter(folder_).status()));
  Write("adapter_config.json", "{}");
  Write("adapter_model.safetensors", "weights");
  const std::string before = *FingerprintAdapter(folder_);
  Write("README.md", "not the adapter");
  EXPECT_EQ(*FingerprintAdapter(folder_), before);
  Write("adapter_model.safetensors", "weightS");
  EXPECT_NE(*FingerprintAdapter(folder_), before);
}

TEST_F(ModelFingerprintTest, StopsWhereNobodyWaits) {
  int asked = 0;
  const auto stopped = FingerprintModel(folder_, {}, [&] { return ++asked > 3; });
  EXPECT_TRUE(absl::IsCancelled(stopped.status())) << stopped.status();
  EXPECT_EQ(asked, 4) << "between pieces, not only between files";
}

}  // namespace
}  // namespace lorikeet::files
