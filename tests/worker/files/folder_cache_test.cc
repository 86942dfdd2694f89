#include "worker/files/folder_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "common/files.h"
#include "worker/files/fingerprint.h"

namespace lorikeet::files {
namespace {

namespace fs = std::filesystem;

class FolderCacheTest : public ::testing::Test {
 protected:
  FolderCacheTest()
      : folder_(fs::path(::testing::TempDir()) /
                (std::string("cache_") + ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
  }
  ~FolderCacheTest() override { fs::remove_all(folder_); }

  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_)) files.push_back(entry.path());
    return files;
  }
  // As if last used or changed so long ago.
  static void Age(const fs::path& path, std::chrono::hours age) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - age);
  }

  const fs::path folder_;
};

TEST_F(FolderCacheTest, GivesBackWhatWasPut) {
  const FolderCache cache(folder_);
  EXPECT_EQ(cache.Get("data", "key"), std::nullopt);
  EXPECT_FALSE(fs::exists(folder_));  // nothing is made before there is something to keep
  const std::string content = std::string("a\0b", 3) + std::string(200'000, 'x');
  cache.Put("data", "key", content);
  EXPECT_EQ(cache.Get("data", "key"), content);
  EXPECT_EQ(cache.Get("data", "another"), std::nullopt);
  EXPECT_EQ(cache.Get("model", "key"), std::nullopt);
  cache.Put("data", "key", "");
  EXPECT_EQ(cache.Get("data", "key"), "");
  EXPECT_EQ(Files().size(), 1u);
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(Files()[0]).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(FolderCacheTest, KeepsNothingWithoutAFolder) {
  const FolderCache cache;
  cache.Put("data", "key", "content");
  EXPECT_EQ(cache.Get("data", "key"), std::nullopt);
  std::ofstream(folder_) << "a file";
  const FolderCache impossible(folder_);
  impossible.Put("data", "key", "content");
  EXPECT_EQ(impossible.Get("data", "key"), std::nullopt);
}

TEST_F(FolderCacheTest, TakesABrokenEntryForNone) {
  const FolderCache cache(folder_);
  cache.Put("data", "key", "some content");
  const fs::path path = Files().at(0);
  const std::string whole = *ReadFile(path);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string broken = whole;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    std::ofstream(path, std::ios::binary) << broken;
    ASSERT_EQ(cache.Get("data", "key"), std::nullopt) << i;
    std::ofstream(path, std::ios::binary) << whole.substr(0, i);
    ASSERT_EQ(cache.Get("data", "key"), std::nullopt) << i;
  }
  cache.Put("data", "key", "some content");
  EXPECT_EQ(cache.Get("data", "key"), "some content");
  // Another key's entry under this key's name.
  cache.Put("data", "other", "other content");
  for (const fs::path& file : Files()) {
    if (file != path) fs::rename(file, path);
  }
  EXPECT_EQ(cache.Get("data", "key"), std::nullopt);
}

TEST_F(FolderCacheTest, RemovesWhatWasNotUsedForLongest) {
  const FolderCache cache(folder_, 3900);
  const std::string content(900, 'c');
  cache.Put("a", "1", content);
  Age(Files().at(0), std::chrono::hours(3));
  cache.Put("b", "2", content);
  cache.Put("c", "3", content);
  for (const fs::path& file : Files()) {
    if (file.filename().string().starts_with("b")) Age(file, std::chrono::hours(2));
  }
  ASSERT_NE(cache.Get("a", "1"), std::nullopt);  // used now, so that "2" is the oldest
  cache.Put("d", "4", content);
  EXPECT_EQ(cache.Get("b", "2"), std::nullopt);
  EXPECT_EQ(cache.Get("a", "1"), content);
  EXPECT_EQ(cache.Get("c", "3"), content);
  EXPECT_EQ(cache.Get("d", "4"), content);
  cache.Put("e", "5", std::string(1001, 'e'));  // more than a quarter
  EXPECT_EQ(cache.Get("e", "5"), std::nullopt);
}

TEST_F(FolderCacheTest, RemovesWhatKilledProcessesLeft) {
  const FolderCache cache(folder_);
  fs::create_directories(folder_);
  std::ofstream(folder_ / "data-1.new-1-1") << "half";
  std::ofstream(folder_ / "data-2.new-2-2") << "half";
  Age(folder_ / "data-1.new-1-1", std::chrono::hours(2));
  cache.Put("data", "key", "content");
  EXPECT_FALSE(fs::exists(folder_ / "data-1.new-1-1"));
  EXPECT_TRUE(fs::exists(folder_ / "data-2.new-2-2"));  // its writer may be at it
}

TEST_F(FolderCacheTest, ManyAtOnceSeeWholeEntries) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0, right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const FolderCache cache(folder_, 200'000);
      for (int i = 0; i < 100; ++i) {
        const std::string key = std::to_string((i + t) % 7);
        const std::string content(20'000 + static_cast<std::size_t>((i + t) % 7), key[0]);
        if (const auto got = cache.Get("data", key)) (*got == content ? right : wrong)++;
        cache.Put("data", key, content);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(right, 0);
}

TEST_F(FolderCacheTest, AFileIsAnotherOnceItWasWrittenTo) {
  fs::create_directories(folder_);
  const std::string path = folder_ / "file";
  EXPECT_EQ(IdentityOf(path, FolderCache::kSettling).text, "");
  std::ofstream(path) << "one";
  const FileIdentity before = IdentityOf(path, FolderCache::kSettling);
  EXPECT_FALSE(before.text.empty());
  EXPECT_FALSE(before.settled);  // another write at this moment might not show
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(IdentityOf(path, std::chrono::milliseconds(10)).settled);
  std::ofstream(path) << "three";
  EXPECT_NE(IdentityOf(path, FolderCache::kSettling).text, before.text);
  // As tools do that keep a file's time: the time of the change itself cannot be set.
  Age(path, std::chrono::hours(48));
  const FileIdentity old = IdentityOf(path, FolderCache::kSettling);
  EXPECT_FALSE(old.settled);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::ofstream(path) << "seven";
  Age(path, std::chrono::hours(48));
  EXPECT_NE(IdentityOf(path, FolderCache::kSettling).text, old.text);
}

}  // namespace
}  // namespace lorikeet::files
