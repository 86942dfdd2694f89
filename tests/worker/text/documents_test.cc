#include "worker/text/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>

namespace lorikeet::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Gzip(const std::string& text) {
  std::string out(text.size() + 1000, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  EXPECT_FALSE(ZSTD_isError(size));
  out.resize(size);
  return out;
}

std::string Pair(const std::string& id) {
  return R"({"id": ")" + id + R"(", "article": "A )" + id + R"(", "abstract": "S )" + id + "\"}\n";
}

class DocumentsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "lorikeet-documents-XXXXXX";
    folder_ = mkdtemp(name.data());
    path_ = folder_ + "/data";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& content) { std::ofstream(path_, std::ios::binary) << content; }
  StatusOr<Documents> Read(const std::string& content, const ReadOptions& options = {}) {
    Write(content);
    return ReadDocuments(path_, options);
  }
  std::string Ids(const std::string& content, const ReadOptions& options = {}) {
    const auto read = Read(content, options);
    if (!read.ok()) return Message(read.status());
    std::string ids;
    for (const Document& document : read->documents) ids += document.id + " ";
    return ids;
  }
  // The message, with "FILE" for the path.
  std::string Refusal(const std::string& content, const ReadOptions& options = {}) {
    const auto read = Read(content, options);
    EXPECT_TRUE(absl::IsInvalidArgument(read.status())) << read.status();
    std::string message = Message(read.status());
    EXPECT_THAT(message, StartsWith(path_ + ":"));
    return "FILE" + message.substr(std::min(path_.size(), message.size()));
  }

  std::string folder_, path_;
};

TEST_F(DocumentsTest, ReadsJsonLines) {
  const auto read = Read(
      "{\"id\": \"d1\", \"article\": \"An article.\", \"abstract\": \"One.\\nTwo.\", \"more\": [1]}\n"
      "\n"
      "{\"id\": 17, \"article\": \"é\", \"abstract\": \"☃\"}\r\n"
      "{\"article\": \"x\", \"abstract\": \"y\"}");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->documents.size(), 3u);
  EXPECT_EQ(read->documents[0].source, "An article.");
  EXPECT_EQ(read->documents[0].target, "One.\nTwo.");
  EXPECT_EQ(read->documents[1].id, "17");
  EXPECT_EQ(read->documents[1].target, "☃");
  EXPECT_EQ(read->documents[2].id, "4");  // the line number
  EXPECT_EQ(read->empty, 0);
}

TEST_F(DocumentsTest, FieldsHaveTheNamesGiven) {
  ReadOptions options;
  options.source_field = "text";
  options.target_field = "summary";
  options.id_field = "key";
  const auto read = Read(R"({"key": "k", "text": "t", "summary": "s", "article": 3})", options);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->documents[0].id + read->documents[0].source + read->documents[0].target, "kts");
}

TEST_F(DocumentsTest, CompressionIsFoundByContent) {
  const std::string text = Pair("1") + Pair("2");
  EXPECT_EQ(Ids(text), "1 2 ");
  EXPECT_EQ(Ids(Gzip(text)), "1 2 ");
  EXPECT_EQ(Ids(Zstd(text)), "1 2 ");
  EXPECT_EQ(Ids("\xEF\xBB\xBF" + text), "1 2 ");
}

TEST_F(DocumentsTest, MembersAndFramesFollowEachOther) {
  const std::string half = Pair("2").substr(0, 9), rest = Pair("2").substr(9);
  EXPECT_EQ(Ids(Gzip(Pair("1") + half) + Gzip("") + Gzip(rest + Pair("3"))), "1 2 3 ");
  EXPECT_EQ(Ids(Gzip(Pair("1")) + std::string(700, '\0')), "1 ");
  const std::string skipped = std::string("\x5A\x2A\x4D\x18\x02\x00\x00\x00zz", 10);
  EXPECT_EQ(Ids(skipped + Zstd(Pair("1") + half) + skipped + Zstd(rest + Pair("3"))), "1 2 3 ");
}

TEST_F(DocumentsTest, LongFilesComeThroughWhole) {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += R"({"article": ")" + std::string(static_cast<std::size_t>(i), 'a') +
            R"(b", "abstract": "c"})"
            "\n";
  }
  for (const std::string& content : {text, Gzip(text), Zstd(text)}) {
    const auto read = Read(content);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->documents.size(), 3000u);
    for (std::size_t i = 0; i < 3000; ++i) ASSERT_EQ(read->documents[i].source.size(), i + 1);
  }
}

TEST_F(DocumentsTest, ReadsTheFilesOfCohanEtAl) {
  const std::string line =
      R"({"article_id": "PMC1", "article_text": ["First one .", " ", "second one ."],)"
      R"( "abstract_text": ["<S> background : x . </S>", "<S>done .</S>", "<S> </S>"], "labels": null, "sections": [[]]})";
  for (const char* format : {"auto", "cohan"}) {
    ReadOptions options;
    options.format = format;
    const auto read = Read(line, options);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->documents[0].id, "PMC1");
    EXPECT_EQ(read->documents[0].source, "First one . second one .");
    EXPECT_EQ(read->documents[0].target, "background : x .\ndone .");
  }
  ReadOptions options;
  options.format = "cohan";
  EXPECT_EQ(Refusal(R"({"article_id": "1", "article_text": "a", "abstract_text": []})", options),
            "FILE:1: 'article_text' is a string, must be a list of sentences");
  EXPECT_EQ(Refusal(R"({"article_id": "1", "article_text": ["a", 3], "abstract_text": []})", options),
            "FILE:1: 'article_text' holds a whole number, must be a list of sentences");
  EXPECT_EQ(Refusal(R"({"article_id": "1", "article_text": ["a"]})", options),
            "FILE:1: no key 'abstract_text'; the object has article_id, article_text");
  options.format = "jsonl";
  options.source_field = "article_text";
  EXPECT_EQ(
      Refusal(line, options),
      "FILE:1: 'article_text' is a list, must be a string; lists of sentences are read with format: cohan");
}

TEST_F(DocumentsTest, EmptyOnesAreCountedAndLeftOut) {
  const std::string text = R"({"article": " \n", "abstract": "y"})"
                           "\n" +
                           Pair("2") +
                           R"({"article": "x", "abstract": ""})"
                           "\n" +
                           Pair("4");
  auto read = Read(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->documents.size(), 2u);
  EXPECT_EQ(read->empty, 2);
  // The limit counts them: the first N are the same, whatever is among them.
  ReadOptions options;
  options.limit = 3;
  read = Read(text, options);
  EXPECT_EQ(read->documents.size(), 1u);
  EXPECT_EQ(read->empty, 2);
  EXPECT_EQ(Refusal(R"({"article": "", "abstract": ""})"), "FILE: each of its 1 documents lacks text");
}

TEST_F(DocumentsTest, WithoutNeedOfATarget) {
  ReadOptions options;
  options.target_needed = false;
  const auto read = Read(R"({"id": "a", "article": "x"})"
                         "\n"
                         R"({"id": "b", "article": "y", "abstract": ""})",
                         options);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->documents.size(), 2u);
  EXPECT_EQ(Refusal(R"({"article": "x", "abstract": 3})", options),
            "FILE:1: 'abstract' is a whole number, must be a string");
}

TEST_F(DocumentsTest, TheLimitEndsReading) {
  ReadOptions options;
  options.limit = 2;
  EXPECT_EQ(Ids(Pair("1") + Pair("2") + "broken", options), "1 2 ");
  options.limit = 7;
  EXPECT_EQ(Ids(Pair("1"), options), "1 ");
}

TEST_F(DocumentsTest, BrokenLinesAreNamed) {
  EXPECT_THAT(Refusal(Pair("1") + "{\"article\": }\n"),
              StartsWith("FILE:2: broken JSON: parse error at line 1, column 13"));
  EXPECT_EQ(Refusal(Pair("1") + "{\"article\": \"\xff\"}\n"), "FILE:2: is not valid UTF-8");
  EXPECT_EQ(Refusal("[1]\n"), "FILE:1: is a list, must be an object");
  EXPECT_EQ(Refusal(R"({"id": "1", "artikel": "x", "abstract": "y"})"),
            "FILE:1: no key 'article' (data.fields.source, or --source-field, names another); the object has "
            "abstract, artikel, id; did you mean 'artikel'?");
  EXPECT_EQ(
      Refusal("{}"),
      "FILE:1: no key 'article' (data.fields.source, or --source-field, names another); the object has none");
  EXPECT_EQ(Refusal(R"({"id": "a", "article": "x"})"),
            "FILE:1: no key 'abstract' (data.fields.target, or --target-field, names another); the object "
            "has article, id");
  EXPECT_EQ(Refusal(R"({"article": ["x"], "abstract": "y"})"),
            "FILE:1: 'article' is a list, must be a string; lists of sentences are read with format: cohan");
  EXPECT_EQ(Refusal(R"({"article": null, "abstract": "y"})"), "FILE:1: 'article' is null, must be a string");
  EXPECT_EQ(Refusal(R"({"id": 1.5, "article": "x", "abstract": "y"})"),
            "FILE:1: 'id' is a number, must be a string");
  EXPECT_EQ(Refusal(R"({"id": "", "article": "x", "abstract": "y"})"), "FILE:1: 'id' is empty");
}

TEST_F(DocumentsTest, DuplicateIdsAreRefused) {
  EXPECT_EQ(Refusal(Pair("a") + Pair("b") + Pair("a")), "FILE:3: id 'a' stands in line 1 already");
  // Among empty ones too, and between a number and a line's number.
  EXPECT_EQ(Refusal(R"({"id": "2", "article": "", "abstract": ""})"
                    "\n"
                    R"({"article": "x", "abstract": "y"})"),
            "FILE:2: id '2' stands in line 1 already");
}

TEST_F(DocumentsTest, FilesWithoutDocumentsAreRefused) {
  EXPECT_EQ(Refusal(""), "FILE: holds no documents");
  EXPECT_EQ(Refusal("\n \n"), "FILE: holds no documents");
  EXPECT_EQ(Refusal(Gzip("")), "FILE: holds no documents");
  EXPECT_EQ(Refusal(Zstd("")), "FILE: holds no documents");
}

TEST_F(DocumentsTest, BrokenStreamsAreNamed) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += Pair(std::to_string(i * 7919));
  const std::string gzip = Gzip(text), zstd = Zstd(text);
  EXPECT_THAT(Refusal(gzip.substr(0, gzip.size() - 1)),
              StartsWith("FILE:301: the gzip stream ends too early; is the file whole?"));
  EXPECT_THAT(Refusal(gzip.substr(0, 15)), HasSubstr(":1: the gzip stream ends too early"));
  EXPECT_THAT(Refusal(zstd.substr(0, zstd.size() - 1)),
              HasSubstr("the zstd stream ends too early; is the file whole?"));
  EXPECT_THAT(Refusal(zstd.substr(0, 6)), HasSubstr(":1: the zstd stream ends too early"));
  std::string spoilt = gzip;
  spoilt[spoilt.size() - 6] ^= 1;  // of the checksum
  EXPECT_THAT(Refusal(spoilt), HasSubstr("broken gzip stream (incorrect data check)"));
  spoilt = gzip;
  spoilt[3] = '\xff';  // reserved flags
  EXPECT_THAT(Refusal(spoilt), HasSubstr(":1: broken gzip stream ("));
  EXPECT_THAT(Refusal(gzip + "rest"), HasSubstr("broken gzip stream"));
  spoilt = zstd;
  spoilt[4] = '\xff';
  EXPECT_THAT(Refusal(spoilt), HasSubstr("broken zstd stream ("));
  EXPECT_THAT(Refusal(zstd + "rest"), HasSubstr("zstd stream"));
}

TEST_F(DocumentsTest, WhatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(ReadDocuments(folder_ + "/none", {}).status()));
  const Status status = ReadDocuments(folder_, {}).status();
  EXPECT_EQ(Message(status), folder_ + ": is a folder, must be a file");
  Write(Pair("1"));
  ReadOptions options;
  options.format = "csv";
  EXPECT_EQ(Message(ReadDocuments(path_, options).status()), "format 'csv': auto, jsonl or cohan");
}

TEST_F(DocumentsTest, ForEachLineCountsAndStops) {
  Write("a\r\n\nb\nc");
  std::vector<std::string> seen;
  const auto collect = [&](std::int64_t line, const std::string& text) -> Status {
    seen.push_back(std::to_string(line) + text);
    return text == "b" ? InvalidArgument("no") : absl::OkStatus();
  };
  EXPECT_EQ(Message(ForEachLine(path_, collect)), path_ + ":3: no");
  EXPECT_THAT(seen, ElementsAre("1a", "2", "3b"));
}

TEST_F(DocumentsTest, ASmallFileThatUnpacksToAHugeLineIsRefused) {
  std::string packed;
  const std::string member = Gzip(std::string(std::size_t{3} << 20, ' '));
  for (int i = 0; i < 3; ++i) packed += member;
  EXPECT_EQ(Refusal(packed), "FILE:1: a line of more than 8 MiB: is this a file of lines?");
}

}  // namespace
}  // namespace lorikeet::text
