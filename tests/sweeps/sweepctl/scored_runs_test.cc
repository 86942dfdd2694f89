// Files of scores and summaries, held to a sweep: what is wrong is said with its line.
#include "sweeps/sweepctl/scored_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sweeps/sweepctl/scores.h"

namespace lorikeet::sweepctl {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class ScoredRunsTest : public ::testing::Test {
 protected:
  ScoredRunsTest() {
    scoring_.sweep = "demo";
    scoring_.sentence_split = "auto";
    scoring_.trials = {
        {.id = "t-1", .name = "full seed=1", .configuration = "full", .state = "succeeded", .seed = 1},
        {.id = "t-2", .name = "full seed=2", .configuration = "full", .state = "failed", .seed = 2}};
    scoring_.imported = {{"theirs", {7}}};
    scoring_.references = {{"a", "the one"}, {"b", "the other"}};
    path_ = std::filesystem::temp_directory_path() / fmt::format("scored-{}.jsonl", getpid());
  }
  ~ScoredRunsTest() override { std::filesystem::remove(path_); }

  StatusOr<std::vector<FileRun>> Read(LineKind kind, const std::string& text) {
    std::ofstream(path_) << text;
    return ReadRuns(path_, kind, scoring_);
  }
  // What is wrong, without the file's name.
  std::string Wrong(LineKind kind, const std::string& text) {
    const auto runs = Read(kind, text);
    EXPECT_TRUE(absl::IsInvalidArgument(runs.status())) << runs.status();
    const std::string message = Message(runs.status());
    EXPECT_TRUE(message.starts_with(path_)) << message;
    return message.substr(path_.size());
  }
  static std::string Line(const std::string& seed, const std::string& id, const std::string& name = "new") {
    return fmt::format(R"({{"configuration": "{}", "seed": {}, "id": "{}", "text": "t of {}"}})", name, seed,
                       id, id) +
           "\n";
  }
  static std::string Score(const std::string& run, const std::string& id, const std::string& score = "0.5") {
    return fmt::format(R"({{{}, "id": "{}", "score": {}}})", run, id, score) + "\n";
  }

  Scoring scoring_;
  std::string path_;
};

constexpr auto kSummaries = LineKind::kSummaries;
constexpr auto kScores = LineKind::kScores;
constexpr const char* kFull = R"("configuration": "full", "seed": 1)";

TEST_F(ScoredRunsTest, LinesComeInAnyOrder) {
  const auto runs =
      Read(kSummaries, Line("2", "b") + Line("1", "a") + "\n" + Line("1", "b") + Line("2", "a"));
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_EQ(runs->size(), 2u);
  EXPECT_EQ((*runs)[0].seed, 2);
  EXPECT_EQ((*runs)[0].documents[0].text, "t of a") << "in the order of the references";
  EXPECT_EQ((*runs)[1].documents[1].text, "t of b");
}

TEST_F(ScoredRunsTest, WhatIsMissingIsNamed) {
  EXPECT_EQ(Wrong(kSummaries, Line("1", "a") + Line("1", "b") + Line("2", "b")),
            ": 'new', seed 2, which begins on line 3: 1 of 2 documents are there; 'a' is missing");
  EXPECT_EQ(Wrong(kSummaries, "\n"), ": there is no line in it");
  EXPECT_EQ(Wrong(kSummaries, ""), ": there is no line in it");
}

TEST_F(ScoredRunsTest, WhatIsUnknownOrTwiceThereIsNamedWithItsLine) {
  EXPECT_EQ(Wrong(kSummaries, Line("1", "a") + Line("1", "c")),
            ":2: id 'c': sweep demo has no such document in its test split");
  EXPECT_EQ(Wrong(kSummaries, Line("1", "a") + "\n" + Line("1", "a")),
            ":3: id 'a' of 'new', seed 1, stands on line 1 already");
}

TEST_F(ScoredRunsTest, SeedsAreWholeNumbers) {
  EXPECT_EQ(Wrong(kSummaries, Line("1.5", "a")), ":1: \"seed\": 1.5, where a whole number would be right");
  EXPECT_EQ(Wrong(kSummaries, Line("\"1\"", "a")),
            ":1: \"seed\": \"1\", where a whole number would be right");
  EXPECT_THAT(Wrong(kSummaries, Line("18446744073709551615", "a")), HasSubstr("a whole number"));
}

TEST_F(ScoredRunsTest, ARowsNameIsNewAndOneLine) {
  EXPECT_EQ(Wrong(kSummaries, Line("1", "a", "full")),
            ":1: sweep demo has a configuration 'full' of its own: give the row another name");
  EXPECT_THAT(Wrong(kSummaries, Line("1", "a", "x\\u001b[31m")), HasSubstr(":1: \"configuration\": control"));
  EXPECT_THAT(Wrong(kSummaries, Line("1", "a", "")), HasSubstr("is empty"));
  EXPECT_THAT(Wrong(kSummaries, Line("1", "a", std::string(300, 'x'))), HasSubstr("300 bytes; at most 256"));
}

TEST_F(ScoredRunsTest, WhatIsNoSuchLineIsRefused) {
  EXPECT_THAT(Wrong(kSummaries, "{"), HasSubstr(":1: "));
  EXPECT_EQ(Wrong(kSummaries, "[]"), ":1: a list, where an object would be right");
  EXPECT_EQ(Wrong(kSummaries, R"({"seed": 1})"), ":1: no \"configuration\"");
  EXPECT_EQ(Wrong(kSummaries, R"({"configuration": "x"})"), ":1: no \"seed\"");
  EXPECT_EQ(Wrong(kSummaries, R"({"configuration": "x", "seed": 1, "id": "a"})"), ":1: no \"text\"");
  EXPECT_THAT(Wrong(kSummaries, "\x1f\x8b\x08"), HasSubstr("zcat"));
  EXPECT_TRUE(absl::IsNotFound(ReadRuns("/nowhere/f.jsonl", kSummaries, scoring_).status()));
}

TEST_F(ScoredRunsTest, ScoresAreOfRunsThatAreThere) {
  for (const std::string& run :
       {std::string(kFull), std::string(R"("trial": "t-1")"), std::string(R"("trial": "full seed=1")"),
        std::string(R"("trial": "demo/full seed=1")"),
        std::string(R"("configuration": "theirs", "seed": 7)")}) {
    const auto runs = Read(kScores, Score(run, "b", "-2") + Score(run, "a"));
    ASSERT_TRUE(runs.ok()) << run << runs.status();
    EXPECT_EQ((*runs)[0].documents[0].score, 0.5);
    EXPECT_EQ((*runs)[0].documents[1].score, -2);
  }
  EXPECT_EQ(Wrong(kScores, Score(R"("configuration": "fall", "seed": 1)", "a")),
            ":1: sweep demo has no configuration 'fall'; did you mean 'full'?");
  EXPECT_EQ(Wrong(kScores, Score(R"("configuration": "full", "seed": 3)", "a")),
            ":1: 'full' has no seed 3; it has 1, 2");
  EXPECT_EQ(Wrong(kScores, Score(R"("configuration": "theirs", "seed": 1)", "a")),
            ":1: 'theirs' has no seed 1; it has 7");
  EXPECT_EQ(Wrong(kScores, Score(R"("trial": "t-2")", "a")),
            ":1: trial 'full seed=2' is failed: it has no summaries to score");
  EXPECT_EQ(Wrong(kScores, Score(R"("trial": "t-9")", "a")), ":1: sweep demo has no trial 't-9'");
  EXPECT_EQ(Wrong(kScores, Score(kFull, "a", "\"x\"")),
            ":1: \"score\": a string, where a number would be right");
  EXPECT_THAT(Wrong(kScores, Score(kFull, "a")), EndsWith("'b' is missing"));
}

TEST_F(ScoredRunsTest, RescoredMetricsHaveNamesOfTheirOwn) {
  ScoreOptions options;
  EXPECT_EQ(RescoredName("rouge1", options, "auto"), "rouge1");
  options.no_stemmer = true;
  EXPECT_EQ(RescoredName("rougeL", options, "auto"), "rougeL.nostem");
  options.sentence_split = "auto";
  EXPECT_EQ(RescoredName("rougeL", options, "auto"), "rougeL.nostem");
  options.sentence_split = "newline";
  EXPECT_EQ(RescoredName("rougeLsum", options, "auto"), "rougeLsum.nostem.newline");
  options.no_stemmer = false;
  EXPECT_EQ(RescoredName("rougeLsum", options, "auto"), "rougeLsum.newline");
}

TEST_F(ScoredRunsTest, SummariesOfTheSweepAreAllThere) {
  const auto line = [](const std::string& id) {
    return fmt::format(R"({{"configuration": "full", "seed": 1, "split": "test", "id": "{}", "text": "x"}})",
                       id) +
           "\n";
  };
  const auto runs = RunsOfPredictions(line("b") + line("a"), scoring_);
  ASSERT_TRUE(runs.ok()) << runs.status();
  EXPECT_EQ(runs->size(), 1u);
  EXPECT_THAT(Message(RunsOfPredictions(line("b"), scoring_).status()), HasSubstr("1 of 2 documents"));
}

}  // namespace
}  // namespace lorikeet::sweepctl
