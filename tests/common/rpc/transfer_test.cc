#include "common/rpc/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "common/files.h"

namespace lorikeet::rpc {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::string HashOf(const std::string& bytes) {
  Sha256 hash;
  hash.Add(bytes);
  return hash.Hex();
}

TransferFile FileOf(const std::string& name, const std::string& bytes) {
  return {.name = name, .bytes = static_cast<std::int64_t>(bytes.size()), .sha256 = HashOf(bytes)};
}

class TransferTest : public testing::Test {
 protected:
  TransferTest() {
    std::string pattern = testing::TempDir() + "transfer.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    fs::create_directory(folder_ + "/to");
  }
  ~TransferTest() override { fs::remove_all(folder_); }
  void Put(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << bytes;
  }
  std::string folder_;
};

TEST(Sha256Test, IsTheStandards) {
  EXPECT_EQ(HashOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 hash;
  hash.Add("a");
  hash.Add("bc");
  EXPECT_EQ(hash.Hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(TransferTest, FilesComeAsTheyWereSent) {
  const std::string large(3 * kChunkBytes + 17, 'x');
  Put("a.json", "{}");
  Put("empty", "");
  Put("b.bin", large);
  auto reader = FileReader::Open(folder_, {"a.json", "empty", "b.bin"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto files = (*reader)->Describe();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(*files,
            (std::vector<TransferFile>{FileOf("a.json", "{}"), FileOf("empty", ""), FileOf("b.bin", large)}));
  EXPECT_TRUE(CheckTransfer(*files, BytesOf(*files)).ok());
  FileWriter writer(folder_ + "/to", *files);
  for (;;) {
    const auto chunk = (*reader)->Next();
    ASSERT_TRUE(chunk.ok()) << chunk.status();
    if (chunk->empty()) break;
    EXPECT_LE(chunk->size(), kChunkBytes);
    // Cut elsewhere than the files are.
    ASSERT_TRUE(writer.Take(chunk->substr(0, 1)).ok());
    ASSERT_TRUE(writer.Take(chunk->substr(1)).ok());
  }
  ASSERT_TRUE(writer.Finish().ok());
  EXPECT_EQ(writer.bytes(), BytesOf(*files));
  for (const TransferFile& file : *files) {
    EXPECT_EQ(HashOf(*ReadFile(folder_ + "/to/" + file.name)), file.sha256) << file.name;
  }
}

TEST_F(TransferTest, AReaderKeepsWhatItOpened) {
  Put("state", "old");
  auto reader = FileReader::Open(folder_, {"state"});
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE((*reader)->Stands("state"));
  Put("other", "new");
  fs::rename(folder_ + "/other", folder_ + "/state");
  EXPECT_FALSE((*reader)->Stands("state"));
  EXPECT_EQ(*(*reader)->Next(), "old");
  fs::remove(folder_ + "/state");
  EXPECT_FALSE((*reader)->Stands("state"));
}

TEST_F(TransferTest, OnlyFilesAreRead) {
  Put("secret", "s");
  fs::create_symlink(folder_ + "/secret", folder_ + "/link");
  EXPECT_TRUE(absl::IsFailedPrecondition(FileReader::Open(folder_, {"link"}).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(FileReader::Open(folder_, {"to"}).status()));
  EXPECT_TRUE(absl::IsNotFound(FileReader::Open(folder_, {"nothing"}).status()));
}

TEST_F(TransferTest, NamesCannotLeaveTheFolder) {
  for (const char* name :
       {"", ".", "..", "../x", "a/b", "/etc/passwd", ".hidden", "a\\b", "a b", "ü", "a\nb"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckTransfer({FileOf(name, "x")}, 10))) << name;
  }
  EXPECT_FALSE(CheckTransfer({FileOf(std::string(kMostFileNameBytes + 1, 'a'), "x")}, 10).ok());
  EXPECT_TRUE(CheckTransfer({FileOf("best-3-40.safetensors", "x")}, 10).ok());
}

TEST_F(TransferTest, ListsAreHeldToTheirLimits) {
  EXPECT_FALSE(CheckTransfer({}, 10).ok());
  EXPECT_FALSE(CheckTransfer(std::vector<TransferFile>(kMostTransferFiles + 1, FileOf("a", "")), 10).ok());
  EXPECT_THAT(Message(CheckTransfer({FileOf("a", ""), FileOf("a", "")}, 10)), HasSubstr("stands twice"));
  EXPECT_THAT(Message(CheckTransfer({FileOf("a", "12345"), FileOf("b", "123456")}, 10)),
              HasSubstr("more than 10 bytes"));
  TransferFile file = FileOf("a", "x");
  file.bytes = -1;
  EXPECT_FALSE(CheckTransfer({file}, 10).ok());
  file.bytes = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(CheckTransfer({file, file}, 10).ok()) << "sizes do not overflow";
  file = FileOf("a", "x");
  file.sha256[0] = 'G';
  EXPECT_FALSE(CheckTransfer({file}, 10).ok());
}

TEST_F(TransferTest, WhatIsNotWhatWasSaidIsRefused) {
  const TransferFile said = FileOf("a", "right");
  {
    FileWriter writer(folder_ + "/to", {said});
    EXPECT_EQ(writer.Take("wrong").code(), absl::StatusCode::kDataLoss);
  }
  fs::remove(folder_ + "/to/a");
  {
    FileWriter writer(folder_ + "/to", {said});
    EXPECT_TRUE(writer.Take("rig").ok());
    EXPECT_THAT(Message(writer.Finish()), HasSubstr("2 of its 5 bytes are missing"));
  }
  fs::remove(folder_ + "/to/a");
  {
    FileWriter writer(folder_ + "/to", {said});
    EXPECT_THAT(Message(writer.Finish()), HasSubstr("did not come"));
  }
  FileWriter writer(folder_ + "/to", {said});
  EXPECT_TRUE(absl::IsInvalidArgument(writer.Take("right and more")));
}

TEST_F(TransferTest, AFileThatIsThereIsNotWrittenOver) {
  Put("victim", "v");
  fs::create_symlink(folder_ + "/victim", folder_ + "/to/a");
  FileWriter writer(folder_ + "/to", {FileOf("a", "x")});
  EXPECT_FALSE(writer.Take("x").ok());
  EXPECT_EQ(*ReadFile(folder_ + "/victim"), "v");
}

}  // namespace
}  // namespace lorikeet::rpc
