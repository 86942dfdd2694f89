#include "sweeps/export/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace lorikeet::exporting {
namespace {

using ::testing::ElementsAre;

TEST(LinesTest, LinesThatAreCutAnywhereComeWhole) {
  const std::string text = "{\"a\": 1}\n{\"b\": \"é\"}\n{}\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    std::vector<std::string> seen;
    Lines lines([&](const Json& line) {
      seen.push_back(line.dump());
      return absl::OkStatus();
    });
    for (std::size_t at = 0; at < text.size(); at += size) ASSERT_TRUE(lines.Add(text.substr(at, size)).ok());
    EXPECT_TRUE(lines.Finish().ok());
    EXPECT_THAT(seen, ElementsAre("{\"a\":1}", "{\"b\":\"é\"}", "{}"));
  }
}

TEST(LinesTest, WhatIsNoLineIsRefused) {
  Lines lines([](const Json&) { return absl::OkStatus(); });
  EXPECT_FALSE(lines.Add("[1]\n").ok());
  EXPECT_FALSE(Lines([](const Json&) { return absl::OkStatus(); }).Add("{\n").ok());
  Lines half([](const Json&) { return absl::OkStatus(); });
  ASSERT_TRUE(half.Add("{\"a\": ").ok());
  EXPECT_FALSE(half.Finish().ok());
}

TEST(LinesTest, AValueOfAnotherTypeIsAnError) {
  Lines lines([](const Json& line) {
    return line.at("a").get<std::int64_t>() > 0 ? absl::OkStatus() : absl::UnknownError("no");
  });
  EXPECT_TRUE(lines.Add("{\"a\": 1}\n").ok());
  EXPECT_TRUE(absl::IsInternal(lines.Add("{\"a\": \"text\"}\n")));
  EXPECT_TRUE(absl::IsInternal(lines.Add("{}\n")));
}

TEST(LinesTest, WhatTakesThemEndsIt) {
  int taken = 0;
  Lines lines([&](const Json&) {
    ++taken;
    return absl::CancelledError("enough");
  });
  EXPECT_TRUE(absl::IsCancelled(lines.Add("{}\n{}\n")));
  EXPECT_EQ(taken, 1);
}

TEST(LinesTest, Times) {
  const Json line = {
      {"at", "2026-03-01T12:00:00.250Z"}, {"bad", "2026-13-01T12:00:00.250Z"}, {"none", nullptr}};
  EXPECT_EQ(Milliseconds(line, "at", -1), 1'772'366'400'250);
  for (const char* key : {"bad", "none", "missing"}) EXPECT_EQ(Milliseconds(line, key, -1), -1);
}

TEST(LinesTest, FlatHasLeavesByTheirPath) {
  const Json flat = Flatten({{"a", {{"b", 1}, {"c", {"x", 2}}}}, {"d", nullptr}, {"e", "f"}});
  EXPECT_EQ(flat.dump(), R"({"a.b":1,"a.c":"x,2","e":"f"})");
}

TEST(LinesTest, NumbersOfAResult) {
  EXPECT_EQ(
      ResultNumbers({{"result", {{"a", 1}, {"seed", 3}, {"b", "text"}, {"c", nullptr}, {"d", 0.5}}}}).dump(),
      R"({"a":1,"d":0.5})");
  EXPECT_TRUE(ResultNumbers({{"result", nullptr}}).empty());
}

}  // namespace
}  // namespace lorikeet::exporting
