// Time, ids, statuses, command lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <set>

#include "common/build_info.h"
#include "common/clock.h"
#include "common/command_line.h"
#include "common/ids.h"
#include "common/status.h"

namespace lorikeet {
namespace {

TEST(Clock, FormatsWallTime) {
  EXPECT_EQ(FormatTime(WallTime(std::chrono::microseconds(1'772'366'400'123'456))),
            "2026-03-01T12:00:00.123Z");
  EXPECT_EQ(FormatTime(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatTime(WallTime(std::chrono::microseconds(-1))), "1969-12-31T23:59:59.999Z");
  // A moment of every eleventh day or so, from before 1900 to after 2100, as the system's own calendar has
  // it.
  for (std::int64_t second = -2'500'000'000; second < 4'500'000'000; second += 950'401) {
    const std::time_t time = second;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.007Z", &parts);
    ASSERT_EQ(FormatTime(WallTime(std::chrono::seconds(second) + std::chrono::milliseconds(7))), text);
  }
}

TEST(Clock, TheRealOneGoesOnAndTheFakeOneStandsStill) {
  const SteadyTime before = RealClock().Steady();
  EXPECT_GE(RealClock().Steady(), before);
  FakeClock fake;
  const SteadyTime start = fake.Steady();
  const WallTime wall = fake.Wall();
  fake.Advance(std::chrono::seconds(5));
  EXPECT_EQ(fake.Steady() - start, std::chrono::seconds(5));
  fake.JumpWall(std::chrono::hours(-1));
  EXPECT_EQ(fake.Steady() - start, std::chrono::seconds(5));
  EXPECT_EQ(fake.Wall() - wall, std::chrono::seconds(5) - std::chrono::hours(1));
}

TEST(Ids, HaveTheirFormAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(NewId("s", SystemRandom()));
  EXPECT_EQ(ids.size(), 1000U);
  EXPECT_THAT(*ids.begin(), testing::MatchesRegex("s-[0-9a-hjkmnp-tv-z]+"));
  EXPECT_EQ(ids.begin()->size(), 14U);
  SeededRandom one(7), two(7), other(8);
  const std::string first = NewId("t", one);
  EXPECT_EQ(first, NewId("t", two));
  EXPECT_NE(first, NewId("t", other));
}

TEST(Ids, OfASeriesSortAsTheyWereMade) {
  SeededRandom random(7);
  IdSeries series("t", random);
  std::string before;
  for (int i = 0; i < 40'000; ++i) {
    std::string id = series.Next();
    ASSERT_LT(before, id);
    ASSERT_EQ(id.size(), 16U);
    before = std::move(id);
  }
  EXPECT_NE(before.substr(0, 11), IdSeries("t", random).Next().substr(0, 11));
}

TEST(Ids, OfAnOwnerSortBesideItAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 10; ++i) ids.insert(NewIdOf("a", "t-4k2v9x0m100007", SystemRandom()));
  EXPECT_GT(ids.size(), 8U);
  EXPECT_THAT(*ids.begin(), testing::MatchesRegex("a-4k2v9x0m100007[0-9a-hjkmnp-tv-z]+"));
  EXPECT_EQ(ids.begin()->size(), 20U);
}

TEST(Ids, UuidsHaveTheirFormAndDiffer) {
  SeededRandom one(1), two(1);
  const std::string first = NewUuid(one);
  EXPECT_THAT(first, testing::MatchesRegex("[0-9a-f]+-[0-9a-f]+-4[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
  EXPECT_EQ(first.size(), 36U);
  EXPECT_EQ(first.find('-'), 8U);
  EXPECT_EQ(first, NewUuid(two));
  EXPECT_NE(first, NewUuid(one));
}

TEST(Ids, SecretsAreLongAndDiffer) {
  EXPECT_THAT(NewSecret(), testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(NewSecret().size(), 64U);
  EXPECT_NE(NewSecret(), NewSecret());
}

StatusOr<int> Half(int number) {
  if (number % 2 != 0) return InvalidArgument("{}: an even number", number);
  return number / 2;
}
StatusOr<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}
Status CheckQuarter(int number) {
  RETURN_IF_ERROR(Quarter(number).status());
  return absl::OkStatus();
}

TEST(StatusMacros, PassValuesOnAndLeaveWithErrors) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Message(Quarter(6).status()), "3: an even number");
  EXPECT_TRUE(CheckQuarter(4).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckQuarter(5)));
  EXPECT_EQ(Message(Annotate(CheckQuarter(5), "here")), "here: 5: an even number");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "here").ok());
  EXPECT_TRUE(absl::IsNotFound(NotFound("x")));
  EXPECT_TRUE(absl::IsAborted(Aborted("x")));
  EXPECT_TRUE(absl::IsUnavailable(Unavailable("x")));
  EXPECT_TRUE(absl::IsInternal(Internal("x")));
  EXPECT_TRUE(absl::IsFailedPrecondition(FailedPrecondition("x")));
}

std::optional<int> Parse(CLI::App& app, std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return ParseCommandLine(app, static_cast<int>(pointers.size()), pointers.data());
}

TEST(CommandLine, MapsEveryEndToItsCode) {
  const auto run = [](const std::vector<std::string>& arguments) {
    CLI::App app("Does something", "program");
    PrepareCommandLine(app);
    int number = 0;
    app.add_option("--number", number);
    return Parse(app, arguments);
  };
  EXPECT_EQ(run({"program", "--number", "3"}), std::nullopt);
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"program", "--version"}), kExitDone);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "program " + Build() + "\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"program", "--help"}), kExitDone);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), testing::HasSubstr("--number"));
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"program", "--nmber", "3"}), kExitUsage);
  EXPECT_EQ(run({"program", "--number", "three"}), kExitUsage);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("program --help"));
}

TEST(CommandLine, ExitCodesSayWhoseFaultItIs) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(ExitWith(absl::OkStatus(), "program"), kExitDone);
  EXPECT_EQ(ExitWith(InvalidArgument("wrong"), "program"), kExitUsage);
  EXPECT_EQ(ExitWith(NotFound("missing"), "program"), kExitUsage);
  EXPECT_EQ(ExitWith(Internal("broken"), "program"), kExitFailed);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "program: wrong\nprogram: missing\nprogram: broken\n");
}

}  // namespace
}  // namespace lorikeet
