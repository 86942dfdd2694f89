#include "worker/text/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "common/files.h"

namespace lorikeet::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

template <typename T>
std::span<const std::byte> Bytes(const T& values) {
  return std::as_bytes(std::span(values));
}

std::string Length(std::uint64_t value) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &value, 8);
  return bytes;
}

class SafetensorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "lorikeet-safetensors-XXXXXX";
    folder_ = mkdtemp(name.data());
    path_ = folder_ + "/model.safetensors";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Refusal(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    const auto opened = SafetensorsFile::Open(path_);
    EXPECT_TRUE(absl::IsInvalidArgument(opened.status())) << content << opened.status();
    const std::string message = Message(opened.status());
    EXPECT_THAT(message, StartsWith(path_ + ": "));
    return message.substr(std::min(message.size(), path_.size() + 2));
  }
  std::string RefusalOfHeader(const std::string& header, std::size_t data_bytes) {
    return Refusal(Length(header.size()) + header + std::string(data_bytes, '\1'));
  }
  std::string folder_, path_;
};

TEST_F(SafetensorsTest, WhatIsWrittenComesBack) {
  const std::array<float, 6> a = {1, 2, 3, 4, 5, 6};
  const std::array<std::uint16_t, 1> b = {0x3F80};
  const std::array<std::int64_t, 2> c = {-1, 1LL << 40};
  ASSERT_TRUE(WriteSafetensors(path_, {{.name = "z", .dtype = "F32", .shape = {2, 3}, .bytes = Bytes(a)},
                                       {.name = "none", .dtype = "F16", .shape = {0, 7}, .bytes = {}},
                                       {.name = "b", .dtype = "BF16", .shape = {}, .bytes = Bytes(b)},
                                       {.name = "c", .dtype = "I64", .shape = {2}, .bytes = Bytes(c)}})
                  .ok());
  const auto opened = SafetensorsFile::Open(path_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const SafetensorsFile& file = **opened;
  EXPECT_EQ(file.path(), path_);
  ASSERT_EQ(file.tensors().size(), 4u);
  EXPECT_THAT(file.tensors().at("z").shape, ElementsAre(2, 3));
  EXPECT_EQ(file.tensors().at("z").begin, 0u);  // in the order given
  EXPECT_EQ(file.tensors().at("b").dtype, "BF16");
  EXPECT_EQ(file.bytes(file.tensors().at("none")).size(), 0u);
  std::array<float, 6> read{};
  const auto bytes = file.bytes(file.tensors().at("z"));
  ASSERT_EQ(bytes.size(), sizeof(read));
  std::memcpy(read.data(), bytes.data(), bytes.size());
  EXPECT_EQ(read, a);
  EXPECT_EQ(std::memcmp(file.bytes(file.tensors().at("c")).data(), c.data(), 16), 0);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  // Nothing is left beside it, and the data are aligned.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  const std::string content = *ReadFile(path_);
  std::uint64_t length = 0;
  std::memcpy(&length, content.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_EQ(content[8], '{');
}

TEST_F(SafetensorsTest, NoTensorsAreFine) {
  ASSERT_TRUE(WriteSafetensors(path_, {}).ok());
  EXPECT_TRUE((*SafetensorsFile::Open(path_))->tensors().empty());
}

TEST_F(SafetensorsTest, WritingRefusesWhatCouldNotBeRead) {
  const std::array<float, 2> a = {1, 2};
  const auto refusal = [&](const std::vector<TensorToWrite>& tensors) {
    const Status status = WriteSafetensors(path_, tensors);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_FALSE(std::filesystem::exists(path_));
    return Message(status).substr(path_.size() + 2);
  };
  EXPECT_EQ(refusal({{.name = "a", .dtype = "F32", .shape = {3}, .bytes = Bytes(a)}}),
            "tensor 'a': F32 [3] takes 12 bytes, 8 are given");
  EXPECT_EQ(refusal({{.name = "a", .dtype = "F31", .shape = {2}, .bytes = Bytes(a)}}),
            "tensor 'a': F31 [2] takes no known number of bytes, 8 are given");
  EXPECT_THAT(refusal({{.name = "a", .dtype = "F32", .shape = {2}, .bytes = Bytes(a)},
                       {.name = "a", .dtype = "F32", .shape = {2}, .bytes = Bytes(a)}}),
              HasSubstr("there twice"));
  EXPECT_THAT(refusal({{.name = "__metadata__", .dtype = "F32", .shape = {2}, .bytes = Bytes(a)}}),
              HasSubstr("reserved"));
  EXPECT_THAT(refusal({{.name = "\xff", .dtype = "F32", .shape = {2}, .bytes = Bytes(a)}}),
              HasSubstr("UTF-8"));
}

TEST_F(SafetensorsTest, AFailedWriteLeavesTheOldFile) {
  ASSERT_TRUE(WriteSafetensors(path_, {}).ok());
  const std::string before = *ReadFile(path_);
  const std::array<float, 1> a = {1};
  std::filesystem::create_directory(path_ + ".tmp." + std::to_string(getpid()));  // in the way of the new one
  EXPECT_FALSE(
      WriteSafetensors(path_, {{.name = "a", .dtype = "F32", .shape = {1}, .bytes = Bytes(a)}}).ok());
  EXPECT_EQ(*ReadFile(path_), before);
  EXPECT_FALSE(WriteSafetensors(folder_ + "/none/x.safetensors", {}).ok());
}

TEST_F(SafetensorsTest, EveryTruncationIsRefused) {
  const std::array<float, 3> a = {1, 2, 3};
  ASSERT_TRUE(WriteSafetensors(path_, {{.name = "a", .dtype = "F32", .shape = {3}, .bytes = Bytes(a)}}).ok());
  const std::string whole = *ReadFile(path_);
  for (std::size_t size = 0; size < whole.size(); ++size) Refusal(whole.substr(0, size));
  EXPECT_EQ(Refusal(whole.substr(0, 7)), "7 bytes, too short for a safetensors file; is the file whole?");
  EXPECT_EQ(Refusal(whole.substr(0, whole.size() - 1)),
            "tensor 'a': ends at byte 12 of data, the file has 11; is the file whole?");
  EXPECT_EQ(Refusal(whole + "x"), "13 bytes of data, its tensors take 12");
}

TEST_F(SafetensorsTest, HeaderLengthsThatCannotBe) {
  EXPECT_EQ(Refusal(Length(100'000'001) + "{}"),
            "claims a header of 100000001 bytes, at most 100000000 are read; is it a safetensors file?");
  EXPECT_THAT(Refusal(Length(~std::uint64_t{0}) + "{}"), HasSubstr("18446744073709551615"));
  EXPECT_EQ(Refusal(Length(3) + "{}"), "claims a header of 3 bytes, the file has 10; is the file whole?");
  EXPECT_THAT(Refusal(Length(0)), HasSubstr("header: broken JSON"));
}

TEST_F(SafetensorsTest, HostileHeaders) {
  struct Case {
    const char* header;
    std::size_t data;
    const char* expected;
  };
  const Case cases[] = {
      {"[]", 0, "header: is a list, must be an object"},
      {"{\"a\": \xff}", 0, "header: broken JSON"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "header: key 'a' stands twice"},
      {R"({"a":[]})", 0, "tensor 'a': is a list, must be an object"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", 4,
       "tensor 'a': must have the keys dtype, shape and data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4, "and no other"},
      {R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", 4, "tensor 'a': unknown dtype 'F31'"},
      {R"({"a":{"dtype":"xéééééééééééééééééééééééé","shape":[1],"data_offsets":[0,4]}})", 4,
       "tensor 'a': unknown dtype 'xééééééééééééééééééé'"},
      {R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4,
       "dtype is a whole number, must be a string"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
       "a size in its shape is no whole number"},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
       "a size in its shape is no whole number"},
      {R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}})", 4,
       "a size in its shape"},
      {R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4,
       "shape is a whole number, must be a list"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4,
       "data_offsets must be a list of two whole numbers"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4, "data_offsets must be a list"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
       "ends at byte 0 before it begins at 4"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4,
       "ends at byte 8 of data, the file has 4"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
       "F32 [2] takes 8 bytes, data_offsets give it 4"},
      // 2^33 * 2^31 * 4 bytes is 0 in 64 bits.
      {R"({"a":{"dtype":"F32","shape":[8589934592,2147483648],"data_offsets":[0,0]}})", 0,
       "takes more than 2^63 bytes"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
       6, "tensor 'b': overlaps the one before it"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "overlaps the one before it"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[5,9]}})",
       9, "tensor 'b': begins at byte 5, the one before it ends at 4: a hole"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "a hole"},
      {R"({"__metadata__":{"format":3}})", 0, "__metadata__: 'format' is a whole number, must be a string"},
      {R"({"__metadata__":[]})", 0, "__metadata__ is a list"},
  };
  for (const Case& c : cases)
    EXPECT_THAT(RefusalOfHeader(c.header, c.data), HasSubstr(c.expected)) << c.header;
  EXPECT_THAT(RefusalOfHeader(std::string(1'000'000, '['), 0), HasSubstr("nested deeper"));
}

TEST_F(SafetensorsTest, WhatIsNoFileIsNamed) {
  EXPECT_TRUE(absl::IsNotFound(SafetensorsFile::Open(path_).status()));
  EXPECT_EQ(Message(SafetensorsFile::Open(folder_).status()), folder_ + ": is not a file");
}

}  // namespace
}  // namespace lorikeet::text
