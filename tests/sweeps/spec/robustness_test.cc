// Hostile files: whatever the bytes, an answer and no crash. Seeded, so that a failure can be run again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {
namespace {

using ::testing::ElementsAre;

const std::vector<std::string>& Pieces() {
  static const auto& pieces = *new std::vector<std::string>{"[",
                                                            "]",
                                                            "{",
                                                            "}",
                                                            ":",
                                                            ": ",
                                                            ",",
                                                            "- ",
                                                            "\n",
                                                            "  ",
                                                            "\t",
                                                            "#",
                                                            "&a ",
                                                            "*a",
                                                            "!!",
                                                            "!x ",
                                                            "|",
                                                            ">",
                                                            "'",
                                                            "\"",
                                                            "?",
                                                            "<<: ",
                                                            "---",
                                                            "...",
                                                            "~",
                                                            "null",
                                                            "true",
                                                            "1",
                                                            "-1",
                                                            "0",
                                                            "1e999",
                                                            ".nan",
                                                            "99999999999999999999999",
                                                            "${X}",
                                                            "${",
                                                            "${A:-}",
                                                            "%",
                                                            "\xFF",
                                                            "\\",
                                                            "\x1b",
                                                            "é",
                                                            "rank",
                                                            "full",
                                                            "lora",
                                                            "rank: ",
                                                            "[1, 2]",
                                                            "{a: b}",
                                                            "seeds: [1]",
                                                            "\n\n",
                                                            std::string("\0", 1),
                                                            "@",
                                                            "`",
                                                            "0x1",
                                                            "[[q]]",
                                                            "{name: adamw}",
                                                            "optimizer: ",
                                                            "validation: {",
                                                            "\r\n",
                                                            "\xEF\xBB\xBF"};
  return pieces;
}

std::string Mutate(std::string text, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
  const std::size_t changes = 1 + below(6);
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = std::min(below(20), text.size() - at);
    switch (below(6)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, Pieces()[below(Pieces().size())]);
        break;
      case 2:
        text.replace(at, length, Pieces()[below(Pieces().size())]);
        break;
      case 3:  // something from elsewhere in the file
        text.insert(at, text.substr(below(text.size() + 1), below(80)));
        break;
      case 4:
        if (at < text.size()) text[at] = static_cast<char>(random() % 256);
        break;
      default:  // the file ends early
        if (below(8) == 0) text.resize(at);
    }
  }
  return text;
}

TEST(Robustness, MutatedFilesAreAnswered) {
  std::mt19937_64 random(20240229);
  int good = 0;
  constexpr int kFiles = 6000;
  for (int i = 0; i < kFiles; ++i) {
    const std::string yaml = Mutate(GoodFile(), random);
    ParseOptions options;
    options.file = "s.yaml";
    options.most_trials = 10'000;
    const StatusOr<Sweep> sweep = ParseSweep(yaml, options);
    if (i % 4 == 0) WriteDown(yaml, sweep);
    if (sweep.ok()) {
      ++good;
      for (const PlannedTrial& trial : ExpandTrials(*sweep)) {
        ASSERT_TRUE(Validate(TrialOf(*sweep, trial)).ok()) << yaml;
      }
      continue;
    }
    ASSERT_TRUE(absl::IsInvalidArgument(sweep.status())) << sweep.status() << "\n" << yaml;
    for (const std::string& mistake : LinesOf(sweep))
      ASSERT_EQ(mistake.rfind("s.yaml:", 0), 0U) << mistake << "\n" << yaml;
  }
  // The mutations must neither spoil everything nor nothing.
  EXPECT_GT(good, kFiles / 50);
  EXPECT_LT(good, kFiles / 2);
}

TEST(Robustness, ManyUnknownKeysAreAllNamed) {
  std::string yaml = GoodFile();
  for (int i = 0; i < 5000; ++i) yaml += fmt::format("unknown{}: 1\n", i);
  EXPECT_EQ(MistakesOf(yaml).size(), 5000U);
}

// yaml-cpp finds empty documents without end where nothing can begin: it must not be asked for them all.
TEST(Robustness, WhatNothingCanBeginWith) {
  EXPECT_THAT(MistakesOf(", sweep:\nmore\n"),
              ElementsAre("/sweeps/s.yaml:1:1: not YAML: nothing begins with this character"));
  EXPECT_FALSE(MistakesOf(GoodFile() + ", more\n").empty());
  EXPECT_FALSE(MistakesOf("]").empty());
  EXPECT_FALSE(MistakesOf("--- ,").empty());
}

TEST(Robustness, AListThatHoldsItself) {
  EXPECT_FALSE(Parse(With("rank: [1, 8]", "rank: &r [1, *r]")).ok());
  EXPECT_FALSE(Parse(With("limit: {train: 2000", "limit: &l {train: *l")).ok());
}

}  // namespace
}  // namespace lorikeet::spec
