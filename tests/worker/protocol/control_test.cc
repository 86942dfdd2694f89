#include "worker/protocol/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lorikeet::protocol {
namespace {

std::string Refusal(const std::string& line) { return Message(ControlFromLine(line).status()); }

TEST(ControlTest, RoundTrips) {
  EXPECT_EQ(ToLine({.attempt = "a-1", .action = ControlLine::Action::kCheckpointAndStop}),
            R"({"attempt":"a-1","action":"checkpoint_and_stop"})");
  for (const auto action : {ControlLine::Action::kCheckpointAndStop, ControlLine::Action::kStop}) {
    const auto read = ControlFromLine(ToLine({.attempt = "a-\"2\"", .action = action}));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->attempt, "a-\"2\"");
    EXPECT_EQ(read->action, action);
  }
}

TEST(ControlTest, RefusesEverythingElse) {
  EXPECT_EQ(Refusal(R"({"attempt":"a","action":"pause"})"),
            "action: 'pause' is not one of checkpoint_and_stop, stop");
  EXPECT_EQ(Refusal(R"({"attempt":"a"})"), "action: missing");
  EXPECT_EQ(Refusal(R"({"attempt":1,"action":"stop"})"), "attempt: is a whole number, must be a string");
  EXPECT_EQ(Refusal(R"({"attempt":"a","action":"stop","why":""})"), "why: unknown key");
  EXPECT_THAT(Refusal("stop"), ::testing::HasSubstr("broken JSON"));
}

}  // namespace
}  // namespace lorikeet::protocol
