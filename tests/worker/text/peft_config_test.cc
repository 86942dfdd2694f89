// What needs no model: worker/trainer/adapter's tests hold the rest to PEFT.
#include "worker/text/peft_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "common/json.h"

namespace lorikeet::text {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kModule = "encoder.block.0.layer.0.SelfAttention.q";

StatusOr<PeftConfig> Parse(const nlohmann::json& changes) {
  nlohmann::json config = {
      {"peft_type", "LORA"}, {"r", 4}, {"lora_alpha", 8}, {"target_modules", {"q", "v"}}};
  config.merge_patch(changes);
  return ParsePeftConfig(config.dump(), "FILE");
}
std::string Refusal(const StatusOr<PeftConfig>& config) {
  EXPECT_TRUE(absl::IsInvalidArgument(config.status())) << config.status();
  EXPECT_TRUE(IsUtf8(Message(config.status())));
  return Message(config.status());
}
std::int64_t RankWith(const std::string& pattern, const std::string& module = kModule) {
  const auto config = Parse({{"rank_pattern", {{pattern, 7}}}});
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? config->lora.Rank(module) : 0;
}

TEST(PeftPatternTest, MatchesTheNameOrItsEndAfterADot) {
  EXPECT_EQ(RankWith("q"), 7);
  EXPECT_EQ(RankWith(R"(SelfAttention\.q)"), 7);
  EXPECT_EQ(RankWith(R"(encoder\.block\.\d+\..*)"), 7);
  EXPECT_EQ(RankWith("Attention.q"), 4);
  EXPECT_EQ(RankWith("encoder"), 4);
  EXPECT_EQ(RankWith("q|v"), 7);
  EXPECT_EQ(RankWith("v|q"), 7);
}

TEST(PeftPatternTest, IsPythons) {
  EXPECT_EQ(RankWith(R"(\Aencoder\..*\.q\Z)"), 7);
  EXPECT_EQ(RankWith(R"((?P<stack>encoder|decoder)\..*)"), 7);
  EXPECT_EQ(RankWith(R"(\\Z)", R"(a.\Z)"), 7) << "a backslash and a letter";
}

TEST(PeftPatternTest, TheFirstOfTheFileCounts) {
  const std::string text = R"({"peft_type": "LORA", "r": 4, "rank_pattern": {"z|q": 1, "q": 2, "a|q": 3}})";
  const auto config = ParsePeftConfig(text, "FILE");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->lora.Rank(kModule), 1);
}

TEST(PeftPatternTest, IsRefusedWhereItCannotBeRun) {
  for (const char* pattern : {"(?<!Self)Attention", "(?!encoder).*", R"((q)\1)", "a)|(b", "(", "["}) {
    EXPECT_THAT(Refusal(Parse({{"alpha_pattern", {{pattern, 5}}}})),
                HasSubstr(fmt::format("\"{}\" is no regular expression", pattern)));
  }
  EXPECT_THAT(Refusal(Parse({{"rank_pattern", {{std::string(5000, 'q'), 5}}}})), HasSubstr("4096"));
}

// Of those that std::regex would need years for, or the whole stack.
TEST(PeftPatternTest, TakesNoLongerThanTheName) {
  const std::string long_name = "encoder." + std::string(100'000, 'a');
  EXPECT_EQ(RankWith("(a*)*b", long_name), 4);
  EXPECT_EQ(RankWith("(.*.*.*.*.*.*.*)*x", long_name), 4);
  // Run or refused, as RE2 likes.
  const auto nested = Parse({{"rank_pattern", {{std::string(2000, '(') + std::string(2000, ')'), 5}}}});
  EXPECT_TRUE(nested.ok() || absl::IsInvalidArgument(nested.status())) << nested.status();
  if (nested.ok()) {
    EXPECT_EQ(nested->lora.Rank(long_name), 4);
  }
}

TEST(PeftConfigTest, RanksOfPatternsAreRanks) {
  EXPECT_THAT(Refusal(Parse({{"rank_pattern", {{"q", 0}}}})), HasSubstr("integers of 1 to 16777216"));
  EXPECT_THAT(Refusal(Parse({{"rank_pattern", {{"q", 2.5}}}})), HasSubstr("integers of 1 to 16777216"));
  EXPECT_THAT(Refusal(Parse({{"alpha_pattern", {{"q", -1}}}})), HasSubstr("numbers of 0 to 16777216"));
  EXPECT_TRUE(Parse({{"alpha_pattern", {{"q", 2.5}}}}).ok());
}

TEST(PeftConfigTest, ReadsJsonStrictly) {
  EXPECT_THAT(Refusal(ParsePeftConfig(R"({"peft_type": "LORA", "r": 4, "r": 5})", "FILE")),
              StartsWith("FILE: key 'r' stands twice"));
  EXPECT_THAT(Refusal(ParsePeftConfig("{\"a\":" + std::string(1000, '['), "FILE")),
              HasSubstr("nested deeper"));
  EXPECT_THAT(Refusal(ParsePeftConfig("[]", "FILE")), HasSubstr("not a JSON object"));
  EXPECT_THAT(Refusal(ParsePeftConfig(std::string(5 << 20, ' '), "FILE")), HasSubstr("at most 4194304"));
}

TEST(PeftConfigTest, ShowsOnlyTheBeginningOfWhatIsLong) {
  const std::string message = Refusal(Parse({{"something_of_the_future", std::string(10'000, 'x') + "é"}}));
  EXPECT_LT(message.size(), 300u);
  EXPECT_THAT(message, HasSubstr("xxx… given, not supported"));
}

TEST(PeftConfigTest, NumbersComeBackHoweverLarge) {
  for (const double alpha : {16.0, 2.5, -3.0, 1e300, 9007199254740993.0}) {
    const auto config = Parse({{"lora_alpha", alpha}});
    ASSERT_TRUE(config.ok()) << config.status();
    const auto again = ParsePeftConfig(ToJson(config->lora, "base"), "FILE");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->lora, config->lora);
  }
  PeftLora whole;
  whole.alpha = 16;
  EXPECT_THAT(ToJson(whole, "base"), HasSubstr("\"lora_alpha\": 16,"));
}

}  // namespace
}  // namespace lorikeet::text
