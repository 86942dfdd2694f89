#include "worker/text/string_members.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "common/json.h"

namespace lorikeet::text {
namespace {

TEST(StringMembers, ReadsWhatTheParserReads) {
  StringMembers members;
  for (const char* json : {R"({"id":"1","text":"a b"})", R"( {  "id" : "1" , "text" : "" } )", R"({})",
                           R"({"":""})", R"({"text":"\"\\\/\b\f\n\r\t\u0041\u00e9\u2581\ud83d\ude00 end"})",
                           "{\"text\":\"caf\xC3\xA9 \xE2\x96\x81\x7F, more than eight characters\"}",
                           R"({"a":"1234567\n","b":"12345678\n","c":"123456789\n"})"}) {
    const nlohmann::json parsed = nlohmann::json::parse(json);
    ASSERT_TRUE(members.Read(json)) << json;
    EXPECT_EQ(members.size(), parsed.size()) << json;
    for (const auto& [key, value] : parsed.items()) {
      ASSERT_NE(members.Find(key), nullptr) << json;
      EXPECT_EQ(*members.Find(key), value.get<std::string>()) << json;
    }
    EXPECT_EQ(members.Find("none"), nullptr);
  }
}

TEST(StringMembers, LeavesOthersToTheParser) {
  StringMembers members;
  for (const char* json : {R"()",
                           R"([])",
                           R"({"a":1})",
                           R"({"a":["b"]})",
                           R"({"a":{"b":"c"}})",
                           R"({"a":null})",
                           R"({"a":"b",})",
                           R"({"a":"b"} x)",
                           R"({"a":"b")",
                           R"({"a":"b)",
                           R"({"a" "b"})",
                           R"({a:"b"})",
                           R"({"a":"b","a":"c"})",
                           R"({"a":"\x"})",
                           R"({"a":"\u12"})",
                           R"({"a":"\u12g4"})",
                           R"({"a":"\ud800"})",
                           R"({"a":"\ud800\u0041"})",
                           R"({"a":"\udc00"})",
                           "{\"a\":\"b\nc\"}",
                           "{\"a\":\"12345678\x01\"}",
                           "{\"a\":\"123456789\x1F\"}",
                           "{\"a\":\"\x1F"
                           "123456789\"}",
                           "{\"a\":\"\xFF\"}",
                           "{\"a\":\"\xC3\"}",
                           R"({"a":"b"}{})",
                           R"({"a":"b\)"}) {
    EXPECT_FALSE(members.Read(json)) << json;
  }
}

// Whatever is read is what the parser reads, on lines with something broken anywhere in them.
TEST(StringMembers, NeverReadsWhatTheParserRefuses) {
  const std::string line = R"({"id": "x\u00e9y", "text": "one two \"three\" \ud83d\ude00 four"})";
  std::mt19937 random(9);
  StringMembers members;
  int taken = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string broken = line;
    for (int i = 0; i < 1 + round % 2; ++i) {
      broken[random() % broken.size()] = "\"\\{}:, u0a\n\xC3"[random() % 12];
    }
    if (!members.Read(broken)) continue;
    ++taken;
    const auto parsed = ParseJson(broken);
    ASSERT_TRUE(parsed.ok()) << broken;
    for (const auto& [key, value] : parsed->items()) {
      ASSERT_NE(members.Find(key), nullptr) << broken;
      ASSERT_EQ(*members.Find(key), value.get<std::string>()) << broken;
    }
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace lorikeet::text
