#include "worker/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/files.h"
#include "tests/paths.h"
#include "worker/text/train_tokenizer.h"

namespace lorikeet::text {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kTiny = std::string(kTestsDir) + "/worker/text/tiny_t5";
constexpr std::int64_t kAll = 1'000'000;

// Made by make_tokenizer_goldens.py with transformers.
const nlohmann::json& Goldens() {
  static const auto* const kGoldens = new nlohmann::json(
      nlohmann::json::parse(std::ifstream(std::string(kTestsDir) + "/worker/text/tokenizer_goldens.json")));
  return *kGoldens;
}

class TokenizerTest : public ::testing::Test {
 protected:
  TokenizerTest()
      : folder_(
            fs::path(::testing::TempDir()) /
            (std::string("tokenizer_") + ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~TokenizerTest() override { fs::remove_all(folder_); }

  std::string folder() const { return folder_.string(); }
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }
  // What Load says of a spiece.model of these bytes.
  Status LoadBytes(const std::string& bytes) const {
    Write("spiece.model", bytes);
    return Tokenizer::Load(folder()).status();
  }

 private:
  fs::path folder_;
};

std::unique_ptr<Tokenizer> Tiny() {
  auto tokenizer = Tokenizer::Load(kTiny);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return tokenizer.ok() ? *std::move(tokenizer) : nullptr;
}

// A few hundred invented sentences, the same on every call.
SentenceSource InventedSentences(int count = 400) {
  return [count, at = 0, state = 1u](std::string& sentence) mutable -> StatusOr<bool> {
    static constexpr const char* kSyllables[] = {"ba", "ko", "mi",  "ter", "an",
                                                 "lo", "pi", "sen", "du",  "ra"};
    if (at++ == count) return false;
    sentence.clear();
    for (int word = 0; word < 8; ++word) {
      if (word > 0) sentence += ' ';
      for (unsigned length = 1 + at % 3; length > 0; --length) {
        state = state * 1664525u + 1013904223u;
        sentence += kSyllables[(state >> 10) % 10];
      }
    }
    sentence += " .";
    return true;
  };
}

TEST_F(TokenizerTest, GivesTheIdsOfTransformers) {
  const auto tokenizer = Tiny();
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->pieces(), Goldens().at("pieces").get<std::int64_t>());
  ASSERT_GT(Goldens().at("encoded").size(), 150u);
  for (const auto& golden : Goldens().at("encoded")) {
    bool cut = true;
    EXPECT_EQ(tokenizer->Encode(golden.at(0), kAll, &cut), golden.at(1).get<std::vector<TokenId>>())
        << golden.at(0);
    EXPECT_FALSE(cut);
  }
}

TEST_F(TokenizerTest, CutsAsTransformers) {
  const auto tokenizer = Tiny();
  ASSERT_NE(tokenizer, nullptr);
  for (const auto& golden : Goldens().at("truncated")) {
    const std::string text = golden.at(0);
    const std::int64_t most = golden.at(1);
    const auto whole = static_cast<std::int64_t>(tokenizer->Encode(text, kAll).size());
    bool cut = false;
    EXPECT_EQ(tokenizer->Encode(text, most, &cut), golden.at(2).get<std::vector<TokenId>>()) << most;
    EXPECT_EQ(cut, whole > most) << most;
  }
  const std::string text = "bako miter";
  const auto whole = static_cast<std::int64_t>(tokenizer->Encode(text, kAll).size());
  bool cut = true;
  EXPECT_EQ(tokenizer->Encode(text, whole, &cut), tokenizer->Encode(text, kAll));  // fits exactly
  EXPECT_FALSE(cut);
  EXPECT_THAT(tokenizer->Encode(text, 0, &cut), ElementsAre(Tokenizer::kEnd));
  EXPECT_TRUE(cut);
}

TEST_F(TokenizerTest, DecodesAsTransformers) {
  const auto tokenizer = Tiny();
  ASSERT_NE(tokenizer, nullptr);
  for (const auto& golden : Goldens().at("decoded")) {
    EXPECT_EQ(tokenizer->Decode(golden.at(0).get<std::vector<TokenId>>()), golden.at(1).get<std::string>())
        << golden.at(0);
  }
}

TEST_F(TokenizerTest, DropsIdsThatAreNoPieces) {
  const auto tokenizer = Tiny();
  ASSERT_NE(tokenizer, nullptr);
  std::vector<TokenId> tokens = tokenizer->Encode("bako", kAll);
  const TokenId none[] = {-1, tokenizer->pieces(), tokenizer->vocabulary_size(), 32127, TokenId{1} << 40};
  tokens.insert(tokens.begin(), std::begin(none), std::end(none));
  tokens.insert(tokens.end(), std::begin(none), std::end(none));
  EXPECT_EQ(tokenizer->Decode(tokens), "bako");
}

TEST_F(TokenizerTest, SentinelsStandBehindThePieces) {
  const auto tokenizer = Tiny();
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->Sentinel(99), tokenizer->pieces());
  EXPECT_EQ(tokenizer->Sentinel(0), tokenizer->vocabulary_size() - 1);
  EXPECT_THAT(tokenizer->Encode("<extra_id_42>", kAll),
              ElementsAre(tokenizer->Sentinel(42), Tokenizer::kEnd));
}

TEST_F(TokenizerTest, TakesAnyBytes) {
  const auto tokenizer = Tiny();
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->Encode("\xFF\xC3 <\xE2\x96 ba\xF0", kAll).back(), Tokenizer::kEnd);
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(std::string("ba\0ko", 5), kAll)),
            "bako");  // the NUL is unknown
}

TEST_F(TokenizerTest, RefusesTokenizerJsonAlone) {
  Write("tokenizer.json", "{}");
  const Status status = Tokenizer::Load(folder()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("has tokenizer.json but no spiece.model"));
}

TEST_F(TokenizerTest, RefusesMissingFiles) {
  EXPECT_THAT(Message(Tokenizer::Load(folder()).status()), HasSubstr("no spiece.model there"));
  const Status status = Tokenizer::Load(folder() + "/none").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(status), HasSubstr("/none: no such model directory"));
}

TEST_F(TokenizerTest, RefusesAFileCutAnywhere) {
  const std::string whole = *ReadFile(kTiny + "/spiece.model");
  ASSERT_TRUE(LoadBytes(whole).ok());
  EXPECT_FALSE(LoadBytes("").ok());
  EXPECT_FALSE(LoadBytes("not a model").ok());
  // Between two messages, too, where protobuf sees nothing wrong.
  for (std::size_t length = 1; length < whole.size();
       length += length < 200 || length + 20 > whole.size() ? 1 : 61) {
    const Status status = LoadBytes(whole.substr(0, length));
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << length;
    ASSERT_THAT(Message(status), HasSubstr("spiece.model: "));
  }
}

TEST_F(TokenizerTest, RefusesAModelWithoutT5sSpecialPieces) {
  std::string model = *ReadFile(kTiny + "/spiece.model");
  ASSERT_NE(model.find("<pad>"), std::string::npos);
  model.replace(model.find("<pad>"), 5, "<bad>");
  const Status status = LoadBytes(model);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("are -1, 1 and 2"));
}

TEST_F(TokenizerTest, TrainsT5sVocabulary) {
  const Status trained = TrainTokenizer(InventedSentences(), {.pieces = 60}, folder() + "/new/model");
  ASSERT_TRUE(trained.ok()) << trained;
  const auto tokenizer = Tokenizer::Load(folder() + "/new/model");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->pieces(), 60);
  EXPECT_EQ((*tokenizer)->vocabulary_size(), 160);
  const std::vector<TokenId> tokens = (*tokenizer)->Encode("bako  miter .", kAll);
  EXPECT_LT(tokens.size(), 10u);  // syllables were learnt
  EXPECT_EQ((*tokenizer)->Decode(tokens), "bako miter .");
  EXPECT_EQ((*tokenizer)->Encode("\uFF42a\u00A0\uFF4Bo", kAll),
            (*tokenizer)->Encode("ba ko", kAll));  // nmt_nfkc
  EXPECT_THAT((*tokenizer)->Encode("\u5B57", kAll),
              ::testing::Contains(Tokenizer::kUnknown));  // no bytes instead
}

TEST_F(TokenizerTest, TrainsTheSameBytesAgainAndFromAFile) {
  ASSERT_TRUE(TrainTokenizer(InventedSentences(), {.pieces = 60}, folder() + "/a").ok());
  ASSERT_TRUE(TrainTokenizer(InventedSentences(), {.pieces = 60}, folder() + "/b").ok());
  std::string lines, sentence;
  for (auto next = InventedSentences(); *next(sentence);) lines += sentence + "\n";
  ASSERT_TRUE(TrainTokenizerOnFile(Write("lines.txt", lines), {.pieces = 60}, folder() + "/c").ok());
  const std::string model = *ReadFile(folder() + "/a/spiece.model");
  EXPECT_EQ(*ReadFile(folder() + "/b/spiece.model"), model);
  EXPECT_EQ(*ReadFile(folder() + "/c/spiece.model"), model);
}

TEST_F(TokenizerTest, TrainingSaysWhatIsWrong) {
  EXPECT_THAT(Message(TrainTokenizer(InventedSentences(0), {.pieces = 60}, folder())),
              HasSubstr("no sentence"));
  EXPECT_EQ(TrainTokenizer(InventedSentences(), {.pieces = 3}, folder()).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(TrainTokenizer(InventedSentences(), {.pieces = 5}, folder()).code(),
            absl::StatusCode::kInvalidArgument);
  const Status large = TrainTokenizer(InventedSentences(), {.pieces = 100'000}, folder());
  EXPECT_THAT(Message(large), HasSubstr("cannot train a tokenizer of 100000 pieces"));
  const SentenceSource broken = [](std::string&) -> StatusOr<bool> { return Internal("the disk is gone"); };
  EXPECT_THAT(Message(TrainTokenizer(broken, {.pieces = 60}, folder())), HasSubstr("the disk is gone"));
  EXPECT_EQ(TrainTokenizerOnFile(folder() + "/none", {}, folder()).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(folder() + "/spiece.model"));
}

}  // namespace
}  // namespace lorikeet::text
