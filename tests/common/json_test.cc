#include "common/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lorikeet {
namespace {

using ::testing::HasSubstr;

std::string Refusal(std::string_view text) {
  const auto parsed = ParseJson(text);
  EXPECT_FALSE(parsed.ok()) << text;
  EXPECT_TRUE(absl::IsInvalidArgument(parsed.status()));
  return Message(parsed.status());
}

TEST(JsonTest, ReadsWhatIsJson) {
  EXPECT_EQ((*ParseJson(R"( {"a": [1, {"a": 2}], "b": "é"} )"))["a"][1]["a"], 2);
  EXPECT_EQ(*ParseJson("null"), nullptr);
}

TEST(JsonTest, RefusesWhatOthersLetPass) {
  EXPECT_THAT(Refusal(R"({"a": 1, "b": {"a": 1}, "a": 2})"), HasSubstr("key 'a' stands twice"));
  EXPECT_THAT(Refusal(std::string(100'000, '[')), HasSubstr("nested deeper than 64"));
  EXPECT_THAT(Refusal("{\"a\": \"\xff\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(Refusal("{\"a\": NaN}"), HasSubstr("broken JSON: parse error at line 1, column 7"));
  EXPECT_THAT(Refusal("{\"a\": 1e999}"), HasSubstr("broken JSON: number overflow"));
  EXPECT_THAT(Refusal("{} {}"), HasSubstr("broken JSON"));
  EXPECT_EQ(Refusal(std::string_view("{}\0 and more", 12)), "broken JSON: a NUL byte at place 3 of 12");
  EXPECT_THAT(Refusal(""), HasSubstr("broken JSON"));
}

TEST(JsonTest, MessagesStayShortAndPrintable) {
  const std::string message = Refusal("{\"a\": \"" + std::string(10'000, 'x') + "\x01\"}");
  EXPECT_LT(message.size(), 200u) << message;
  EXPECT_THAT(message, HasSubstr("control character"));
  EXPECT_TRUE(IsUtf8(Refusal("{\"a\": \"\xff\"}")));
  EXPECT_THAT(Refusal("[1, tru]"), HasSubstr("last read: '1, tru]'"));
}

TEST(Utf8Test, KnowsTheEdges) {
  for (const char* good : {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2x", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(Utf8Test, PrefixesEndBetweenCharacters) {
  EXPECT_EQ(Utf8Prefix("abc", 3), "abc");
  EXPECT_EQ(Utf8Prefix("abcd", 3), "abc");
  EXPECT_EQ(Utf8Prefix("aéb", 2), "a");
  EXPECT_EQ(Utf8Prefix("aéb", 3), "aé");
  EXPECT_EQ(Utf8Prefix("\xf0\x90\x80\x80", 3), "");
}

}  // namespace
}  // namespace lorikeet
