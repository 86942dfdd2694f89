#include "worker/text/tokenizer_words.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "common/files.h"
#include "tests/paths.h"
#include "worker/text/tokenizer.h"
#include "worker/text/tokenizer_sentencepiece.h"
#include "worker/text/train_tokenizer.h"
#include "worker/text/word_ids.h"

namespace lorikeet::text {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kTiny = std::string(kTestsDir) + "/worker/text/tiny_t5";
constexpr std::int64_t kAll = 1'000'000;

// A message's field with a length below 128, as protobuf writes it.
std::string Field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}
std::string Field(int number, int value) {  // of a number below 128; fields from 16 on take two bytes
  std::string tag(1, static_cast<char>(number << 3 & 0x7F));
  if (number > 15) {
    tag[0] = static_cast<char>(tag[0] | 0x80);
    tag += static_cast<char>(number >> 4);
  }
  return tag + static_cast<char>(value);
}
std::string Piece(const std::string& text, int type) { return Field(1, Field(1, text) + Field(3, type)); }

const std::string kSpaceMark = "\u2581";

// A model of one piece, with a setting of its trainer and one of its normaliser.
std::string Model(const std::string& pieces, const std::string& trainer = "",
                  const std::string& normalizer = "") {
  return Piece(kSpaceMark, 1) + pieces + Field(2, trainer) + Field(3, normalizer);
}

TEST(WhyNotByWords, TakesT5sKindOfModel) {
  EXPECT_THAT(WhyNotByWords(*ReadFile(kTiny + "/spiece.model")), IsEmpty());
  EXPECT_THAT(WhyNotByWords(Model(Piece(kSpaceMark + "a", 1) + Piece("b", 1))), IsEmpty());
}

TEST(WhyNotByWords, RefusesPiecesThatSpanWords) {
  EXPECT_THAT(WhyNotByWords(Model(Piece("a" + kSpaceMark + "b", 1))), HasSubstr("spans words"));
  EXPECT_THAT(WhyNotByWords(Model(Piece(kSpaceMark + kSpaceMark, 1))), HasSubstr("spans words"));
  EXPECT_THAT(WhyNotByWords(Model(Piece("<x>", 4))), HasSubstr("user-defined"));
  EXPECT_THAT(WhyNotByWords(Piece("a", 1) + Field(3, std::string())), HasSubstr("no piece"));
}

TEST(WhyNotByWords, RefusesOtherKindsOfModels) {
  EXPECT_THAT(WhyNotByWords(Model("", Field(3, 2))), HasSubstr("no unigram"));
  EXPECT_THAT(WhyNotByWords(Model("", Field(24, 1))), HasSubstr("behind words"));
  EXPECT_THAT(WhyNotByWords(Model("", "", Field(3, 0))), HasSubstr("before a text"));
  EXPECT_THAT(WhyNotByWords(Model("", "", Field(4, 0))), HasSubstr("all spaces"));
  EXPECT_THAT(WhyNotByWords(Model("", "", Field(5, 0))), HasSubstr("mark spaces"));
}

// Double arrays by hand: units of label | 1 << 8 for a leaf below | offset << 10; children at place ^ offset
// ^ label, the leaf's value at place ^ offset.
std::string Rules(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& units,
                  const std::string& replacements) {
  std::vector<std::uint32_t> trie(1024, 0);
  for (const auto& [place, unit] : units) trie[place] = unit;
  std::string bytes(4 + trie.size() * 4, '\0');
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) bytes[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i));
  };
  put(0, static_cast<std::uint32_t>(trie.size() * 4));
  for (std::size_t i = 0; i < trie.size(); ++i) put(4 + 4 * i, trie[i]);
  return bytes + replacements;
}
std::string ModelWithRules(const std::string& charsmap) {
  const std::size_t spec_length = charsmap.size() + 3;
  const auto varint = [](std::size_t value) {
    return std::string{static_cast<char>(value | 0x80), static_cast<char>(value >> 7)};
  };
  return Piece(kSpaceMark, 1) + "\x1A" + varint(spec_length) + "\x12" + varint(charsmap.size()) + charsmap;
}
constexpr std::uint32_t kRoot = 256U << 10, kLeafBelow = 1U << 8, kValue = 1U << 31;

TEST(WhyNotByWords, LooksThroughTheRulesForSpaces) {
  const std::uint32_t a = 256 ^ 'a', space = 256 ^ ' ';
  const auto why = [](const auto& units, const std::string& replacements) {
    return WhyNotByWords(ModelWithRules(Rules(units, replacements)));
  };
  using Units = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  const std::string nul(1, '\0');
  // "a" to "b": the leaf of the node at `a` is at a ^ 512.
  const Units plain = {{0, kRoot}, {a, 'a' | kLeafBelow | 512U << 10}, {a ^ 512, kValue}};
  EXPECT_THAT(why(plain, "b" + nul), IsEmpty());
  EXPECT_THAT(why(plain, "b  c" + nul), HasSubstr("several spaces"));
  EXPECT_THAT(why(plain, kSpaceMark + nul), HasSubstr("mark of a space"));
  // A label that is nobody's child (as in the array's unused places) is no rule.
  Units unused = plain;
  unused.emplace_back(700, ' ');
  EXPECT_THAT(why(unused, "b" + nul), IsEmpty());
  // "a " to "b", or to a space
  Units behind = plain;
  const std::uint32_t child = a ^ 512 ^ ' ';
  behind.emplace_back(child, ' ' | kLeafBelow | 768U << 10);
  behind.emplace_back(child ^ 768, kValue);
  EXPECT_THAT(why(behind, "b" + nul), HasSubstr("replaces spaces"));
  EXPECT_THAT(why(behind, " " + nul), HasSubstr("replaces spaces"));
  // " a" to "b"
  EXPECT_THAT(
      why(Units{{0, kRoot}, {space, ' ' | 512U << 10}, {space ^ 512 ^ 'a', 'a' | kLeafBelow}}, "b" + nul),
      HasSubstr("replaces spaces"));
  // " " to "b", and to itself
  const Units single = {{0, kRoot}, {space, ' ' | kLeafBelow | 512U << 10}, {space ^ 512, kValue}};
  EXPECT_THAT(why(single, "b" + nul), HasSubstr("replaces spaces"));
  EXPECT_THAT(why(single, " " + nul), IsEmpty());
}

// Texts of all that a normaliser may do something about.
std::string RandomText(std::mt19937& random) {
  static const std::vector<std::string> kParts = {
      "ba",     "ko",       "miter",  "an",     "sen",        "tion",   "x",      "Q",      "7",
      "%",      ".",        " ",      " ",      " ",          "  ",     "\t",     "\n",     "\u00A0",
      "\u3000", "\u200B",   "\u2028", "\u0085", "\u00A8",     "\u0301", "\u0308", "e",      "\u00E9",
      "\uFB01", "\u2167",   "\u00BD", "\uFF21", "\uFEFF",     "\u5B57", "\u4E2D", "\uD55C", "\u1112",
      "\u0001", "\u007F",   "\u00AD", "\uFDFA", "\U0001F469", "\u200D", "\u2581", "\xFF",   "\xE2\x96",
      "\xC3",   "\xF0\x9F", "<",      ">"};
  std::uniform_int_distribution<std::size_t> part(0, kParts.size() - 1);
  std::uniform_int_distribution<std::uint32_t> any(1, 0xFFFF);
  std::string text;
  for (std::size_t i = std::uniform_int_distribution<std::size_t>(0, 40)(random); i > 0; --i) {
    std::uint32_t code = any(random);
    if (random() % 8 != 0 || (code >= 0xD800 && code < 0xE000)) {
      text += kParts[part(random)];
    } else if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
    } else {
      text += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
               static_cast<char>(0x80 | (code & 0x3F))};
    }
  }
  return text;
}

void ExpectWholeTextsIds(const std::string& directory) {
  const std::string bytes = *ReadFile(directory + "/spiece.model");
  ASSERT_THAT(WhyNotByWords(bytes), IsEmpty());
  std::string error;
  const auto model = SentencePieceModel::Parse(bytes, &error);
  const auto tokenizer = Tokenizer::Load(directory);
  ASSERT_TRUE(model != nullptr && model->LoadLibrary(&error) && tokenizer.ok()) << error;
  Tokenizer::Encoder encoder(**tokenizer);
  std::mt19937 random(3);
  for (int round = 0; round < 8000; ++round) {
    const std::string text = RandomText(random);
    std::vector<int> whole;
    model->Encode(text, whole);
    std::vector<TokenId> expected(whole.begin(), whole.end());
    expected.push_back(Tokenizer::kEnd);
    ASSERT_EQ(encoder.Encode(text, kAll), expected) << ::testing::PrintToString(text);
    const std::int64_t most = 1 + static_cast<std::int64_t>(random() % 12);
    const bool fits = static_cast<std::int64_t>(expected.size()) <= most;
    bool cut = fits;
    const std::vector<TokenId> kept = encoder.Encode(text, most, &cut);
    if (!fits) {
      expected.resize(static_cast<std::size_t>(most) - 1);
      expected.push_back(Tokenizer::kEnd);
    }
    ASSERT_EQ(kept, expected) << most << " of " << ::testing::PrintToString(text);
    ASSERT_EQ(cut, !fits);
  }
}

TEST(TokenizerByWords, GivesTheIdsOfTheWholeText) { ExpectWholeTextsIds(kTiny); }

TEST(TokenizerByWords, GivesTheIdsOfTheWholeTextWithT5sNormaliser) {
  const std::string directory = ::testing::TempDir() + "tokenizer_by_words";
  const char* const lines[] = {"ba ko miter an sen tion .", "senko an mitertion x 7 % .",
                               "bako \u00E9 \u5B57 miter"};
  int at = 0;
  const Status trained = TrainTokenizer(
      [&](std::string& sentence) -> StatusOr<bool> {
        if (at == 300) return false;
        sentence = lines[at++ % 3];
        return true;
      },
      {.pieces = 27, .character_coverage = 1.0}, directory);
  ASSERT_TRUE(trained.ok()) << trained;
  ExpectWholeTextsIds(directory);
  fs::remove_all(directory);
}

// More different words than are remembered, some with the same hash.
TEST(WordIds, NeverMixesWordsUp) {
  WordIds ids;
  const auto word = [](int i) { return fmt::format("w{:06x}", i * 7); };
  int made = 0;
  const auto get = [&](int i) {
    const std::vector<int> own(static_cast<std::size_t>(i % 4), i);
    const auto got = ids.Get(word(i), [&](std::string_view) -> std::span<const int> {
      ++made;
      return own;
    });
    return std::equal(got.begin(), got.end(), own.begin(), own.end());
  };
  constexpr int kWords = 250'000;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kWords; ++i) ASSERT_TRUE(get(i)) << i;
  }
  EXPECT_EQ(made, kWords);
  for (int i = 0; i < 2 * kWords; ++i) ASSERT_TRUE(get(i)) << i;
  ASSERT_TRUE(get(0));
  EXPECT_EQ(made, 2 * kWords + 1);  // it was forgotten meanwhile
  EXPECT_TRUE(WordIds::Keeps("word"));
  EXPECT_FALSE(WordIds::Keeps(""));
  EXPECT_FALSE(WordIds::Keeps(std::string(49, 'w')));
}

}  // namespace
}  // namespace lorikeet::text
