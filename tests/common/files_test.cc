#include "common/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace lorikeet {
namespace {

class FilesTest : public testing::Test {
 protected:
  FilesTest() { std::filesystem::create_directories(folder_); }
  ~FilesTest() override { std::filesystem::remove_all(folder_); }
  const std::string folder_ = testing::TempDir() + "files_test." + std::to_string(getpid());
};

TEST_F(FilesTest, WhatIsWrittenIsRead) {
  const std::string path = folder_ + "/file";
  const std::string content("with\0zero\n", 10);
  ASSERT_TRUE(WriteFileAtomically(path, content).ok());
  EXPECT_EQ(*ReadFile(path), content);
  const std::string large(300'000, 'x');
  ASSERT_TRUE(WriteFileAtomically(path, large).ok());
  EXPECT_EQ(*ReadFile(path), large);
  ASSERT_TRUE(WriteFileAtomically(path, "").ok());
  EXPECT_EQ(*ReadFile(path), "");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "nothing is left aside";
}

TEST_F(FilesTest, LinksStayAndDevicesAreWrittenTo) {
  const std::string target = folder_ + "/target", link = folder_ + "/link", pipe = folder_ + "/pipe";
  ASSERT_TRUE(WriteFileAtomically(target, "old").ok());
  std::filesystem::create_symlink("target", link);
  ASSERT_TRUE(WriteFileAtomically(link, "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(*ReadFile(target), "new");
  ASSERT_TRUE(WriteFileAtomically("/dev/null", "lost").ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  const std::string full = folder_ + "/full";
  std::filesystem::create_symlink("/dev/full", full);
  EXPECT_FALSE(WriteFileAtomically(full, "x").ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = *ReadFile(pipe); });
  EXPECT_TRUE(WriteFileAtomically(pipe, "through").ok());
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST_F(FilesTest, SecretsAreTheirOwnersAlone) {
  const std::string path = folder_ + "/secret";
  ASSERT_TRUE(WriteFileAtomically(path, "s", 0600).ok());
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(FilesTest, ErrorsNameThePath) {
  const Status missing = ReadFile(folder_ + "/none").status();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_THAT(std::string(missing.message().data(), missing.message().size()),
              testing::HasSubstr(folder_ + "/none"));
  EXPECT_FALSE(ReadFile(folder_).ok());
  EXPECT_FALSE(WriteFileAtomically(folder_ + "/no/such/folder/file", "x").ok());
  EXPECT_FALSE(SyncFolder(folder_ + "/none").ok());
  EXPECT_TRUE(SyncFolder(folder_).ok());
}

}  // namespace
}  // namespace lorikeet
