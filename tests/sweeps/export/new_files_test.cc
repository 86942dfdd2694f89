#include "sweeps/export/new_files.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include "common/files.h"
#include "folder.h"

namespace lorikeet::exporting {
namespace {

using ::testing::HasSubstr;

// As on a full disk: no file of the process grows beyond this.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

TEST(NewFileTest, IsThereOnceItIsKept) {
  Folder folder;
  const std::string path = folder.path() + "/a";
  ASSERT_TRUE(WriteFileAtomically(path, "before").ok());
  NewFile file(path);
  ASSERT_TRUE(file.Open().ok());
  ASSERT_TRUE(file.Write("after").ok());
  EXPECT_EQ(*ReadFile(path), "before");
  ASSERT_TRUE(file.Keep().ok());
  EXPECT_EQ(*ReadFile(path), "after");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(NewFileTest, OneThatIsNotKeptLeavesNothing) {
  Folder folder;
  {
    NewFile file(folder.path() + "/a");
    ASSERT_TRUE(file.Open().ok());
    ASSERT_TRUE(file.Write("half").ok());
  }
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(NewFileTest, AFullDiskLeavesWhatWasThere) {
  Folder folder;
  const std::string path = folder.path() + "/a";
  ASSERT_TRUE(WriteFileAtomically(path, "before").ok());
  {
    const FullDisk full(1000);
    NewFile file(path);
    ASSERT_TRUE(file.Open().ok());
    const Status status = file.Write(std::string(5000, 'x'));
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(Message(status), HasSubstr(path + ": cannot write"));
  }
  EXPECT_EQ(*ReadFile(path), "before");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(NewFileTest, ADeviceIsWrittenTo) {
  NewFile null("/dev/null");
  ASSERT_TRUE(null.Open().ok());
  ASSERT_TRUE(null.Write("x").ok());
  EXPECT_TRUE(null.Keep().ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  NewFile full("/dev/full");
  ASSERT_TRUE(full.Open().ok());
  EXPECT_TRUE(absl::IsResourceExhausted(full.Write("x")));
}

TEST(NewFileTest, AFolderIsNoFile) {
  Folder folder;
  EXPECT_THAT(Message(NewFile(folder.path()).Open()), HasSubstr("is a folder"));
  EXPECT_FALSE(NewFile(folder.path() + "/none/a").Open().ok());
}

TEST(NewFolderTest, AppearsWhole) {
  Folder folder;
  NewFolder made(folder.path() + "/deep/out/");
  ASSERT_TRUE(made.Make().ok());
  ASSERT_TRUE(made.Write("b/c.txt", "text").ok());
  EXPECT_FALSE(std::filesystem::exists(made.out()));
  ASSERT_TRUE(made.Keep().ok());
  EXPECT_EQ(*ReadFile(folder.path() + "/deep/out/b/c.txt"), "text");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path() + "/deep"), {}), 1);
}

TEST(NewFolderTest, OneThatIsNotKeptLeavesNothing) {
  Folder folder;
  {
    NewFolder made(folder.path() + "/out");
    ASSERT_TRUE(made.Make().ok());
    ASSERT_TRUE(made.Write("a", "x").ok());
  }
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(NewFolderTest, WhatIsThereIsNotTouched) {
  Folder folder;
  ASSERT_TRUE(WriteFileAtomically(folder.path() + "/file", "mine").ok());
  EXPECT_THAT(Message(NewFolder(folder.path() + "/file").Make()), HasSubstr("is no folder"));
  EXPECT_THAT(Message(NewFolder(folder.path()).Make()), HasSubstr("is not empty: name a new folder"));
  // Also where it came to be meanwhile.
  NewFolder made(folder.path() + "/out");
  ASSERT_TRUE(made.Make().ok());
  std::filesystem::create_directory(folder.path() + "/out");
  ASSERT_TRUE(WriteFileAtomically(folder.path() + "/out/b", "mine").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(made.Keep()));
  EXPECT_EQ(*ReadFile(folder.path() + "/out/b"), "mine");
}

TEST(NewFolderTest, AnEmptyFolderIsTaken) {
  Folder folder;
  NewFolder made(folder.path() + "/out");
  std::filesystem::create_directory(folder.path() + "/out");
  ASSERT_TRUE(made.Make().ok());
  ASSERT_TRUE(made.Write("a", "x").ok());
  EXPECT_TRUE(made.Keep().ok());
  EXPECT_EQ(*ReadFile(folder.path() + "/out/a"), "x");
}

TEST(FileNameTest, HoldsNothingThatLeadsElsewhere) {
  EXPECT_EQ(FileName("lora rank=8 learning_rate=0.001"), "lora-rank=8-learning_rate=0.001");
  EXPECT_EQ(FileName("../../etc/passwd"), "-.-..-etc-passwd");
  EXPECT_EQ(FileName(".."), "-.");
  EXPECT_EQ(FileName(""), "unnamed");
  EXPECT_EQ(FileName("a\nb\x1b[0m"), "a-b--0m");
  EXPECT_LE(FileName(std::string(5000, 'a')).size(), 200u);
}

}  // namespace
}  // namespace lorikeet::exporting
