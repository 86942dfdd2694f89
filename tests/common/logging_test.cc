#include "common/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "common/log_format.h"

namespace lorikeet {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// What `write` leaves on standard error.
template <typename Write>
std::string Logged(const std::string& level, const std::string& format, const Write& write) {
  testing::internal::CaptureStderr();
  EXPECT_TRUE(StartLogging(level, format).ok());
  write();
  return testing::internal::GetCapturedStderr();
}

TEST(LogFormat, TextHasFieldsBehindTheMessage) {
  EXPECT_EQ(TextLine("it failed", {{"trial", "t-1"}, {"sweep", ""}, {"attempt", "a-1"}}),
            "it failed trial=t-1 attempt=a-1");
  EXPECT_EQ(TextLine("x", {{"name", R"(a "b" c=d)"}}), R"(x name="a \"b\" c=d")");
}

TEST(LogFormat, TextStaysOneLine) {
  EXPECT_EQ(TextLine("one\ntwo\x1b[31m", {{"why", "three\nfour"}}), R"(one\ntwo\x1b[31m why="three\nfour")");
}

TEST(LogFormat, JsonIsAnObjectWithItsFields) {
  const WallTime time{std::chrono::microseconds(1'772'366'400'123'000)};
  const std::string line = JsonLine(time, "warning", "a \"b\"\nc", {{"trial", "t-1"}, {"attempt", ""}});
  EXPECT_EQ(line,
            R"({"time":"2026-03-01T12:00:00.123Z","level":"warning","message":"a \"b\"\nc","trial":"t-1"})");
}

TEST(LogFormat, JsonTakesWhatIsNoUtf8) {
  const auto line = nlohmann::json::parse(JsonLine({}, "info",
                                                   "a\xff"
                                                   "b",
                                                   {}));
  EXPECT_EQ(line["message"],
            "a\xef\xbf\xbd"
            "b");
}

TEST(Logging, WritesTextWithTimeLevelAndFields) {
  const std::string text = Logged("info", "text", [] {
    LogWarning({{"attempt", "a-1"}}, "lost after {} s", 60);
    LogDebug({{"attempt", "a-1"}}, "not asked for");
    LogInfo({}, "plain");
  });
  EXPECT_THAT(text,
              MatchesRegex("[0-9T:.-]+Z warning lost after 60 s attempt=a-1\n[0-9T:.-]+Z info    plain\n"));
}

TEST(Logging, WritesJsonALine) {
  const std::string text = Logged("debug", "json", [] {
    LogError({{"trial", "t-1"}, {"attempt", "a-1"}}, "bad\nnews");
    LogDebug({}, "more");
  });
  ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  const auto first = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(first["level"], "error");
  EXPECT_EQ(first["message"], "bad\nnews");
  EXPECT_EQ(first["trial"], "t-1");
  EXPECT_EQ(first["attempt"], "a-1");
  const auto second = nlohmann::json::parse(text.substr(text.find('\n') + 1));
  EXPECT_EQ(second["level"], "debug");
  EXPECT_FALSE(second.contains("trial")) << "the line before had it";
}

TEST(Logging, RefusesAFormatAndALevelThatItHasNot) {
  EXPECT_EQ(Message(StartLogging("info", "xml")), "--log-format xml: text or json");
  EXPECT_THAT(Message(StartLogging("loud", "json")), HasSubstr("--log-level loud"));
}

}  // namespace
}  // namespace lorikeet
