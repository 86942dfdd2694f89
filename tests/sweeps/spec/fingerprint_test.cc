#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {
namespace {

std::string Fingerprint(const std::string& yaml) {
  const StatusOr<Sweep> sweep = Parse(yaml);
  return sweep.ok() ? sweep->fingerprint : Message(sweep.status());
}

TEST(Fingerprint, IsSha256) {
  const std::string fingerprint = Fingerprint(GoodFile());
  EXPECT_EQ(fingerprint.size(), 64U);
  EXPECT_EQ(fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(Fingerprint, StaysWithTheMeaning) {
  const std::string good = Fingerprint(GoodFile());
  EXPECT_EQ(good, Fingerprint(With("learning_rate: 1.0e-4", "learning_rate: 0.0001")));
  EXPECT_EQ(good, Fingerprint(With("seeds: [3, 1]", "seeds:\n  - 1  # first\n  - 3")));
  EXPECT_EQ(good, Fingerprint(With("rank: [1, 8]", "rank: [8, 1]")));
  EXPECT_EQ(good, Fingerprint(With("alpha_over_rank: 2, ", "")));  // the default
  EXPECT_EQ(good, Fingerprint(With("baseline: full\n", "")));
  EXPECT_EQ(good, Fingerprint(With("backoff: 1m30s", "backoff: 90s")));
  EXPECT_EQ(good, Fingerprint(With("attempts: 5", "attempts: 5, kinds: {oom: {attempts: 5}}")));
  EXPECT_EQ(good, Fingerprint(With("attempts: 5", "interruptions: 20, attempts: 5")));
  EXPECT_EQ(good, Fingerprint(With("rank: [1, 8], alpha_over_rank: 2, targets: [[q, v], [q, k, v, o]]",
                                   "targets: [[q, v], [q, k, v, o]], alpha_over_rank: 2, rank: [1, 8]")));
  EXPECT_EQ(good, Fingerprint(With("models/t5", "/sweeps/models/../models/t5")));
}

TEST(Fingerprint, ChangesWithTheMeaning) {
  const std::string good = Fingerprint(GoodFile());
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"sweep: study", "sweep: study2"},
                                                        {"models/t5", "models/t6"},
                                                        {"epochs: 3", "epochs: 4"},
                                                        {"beams: 4", "beams: 5"},
                                                        {"rank: [1, 8]", "rank: [1, 9]"},
                                                        {"seeds: [3, 1]", "seeds: [3, 2]"},
                                                        {"seeds: [3, 1]", "seeds: [3, 1, 2]"},
                                                        {"baseline: full", "baseline: zero_shot"},
                                                        {"attempts: 5", "attempts: 4"},
                                                        {"backoff: 1m30s", "backoff: 1m31s"},
                                                        {"attempts: 5", "attempts: 5, kinds: {oom: never}"},
                                                        {"attempts: 5", "attempts: 5, interruptions: 21"},
                                                        {"gpus: 1", "gpus: 2"},
                                                        {"time_limit: 6h", "time_limit: 7h"},
                                                        {"sentences: [3, 10]", "sentences: [3]"},
                                                        {"limit: {train: 2000", "limit: {train: 2001"}}) {
    const std::string other = Fingerprint(With(from, to));
    EXPECT_EQ(other.size(), 64U) << other;
    EXPECT_NE(good, other) << to;
  }
}

// Of files that were submitted before there was anything else to say about retries.
TEST(Fingerprint, IsWhatItWas) {
  EXPECT_EQ(Fingerprint(GoodFile()), "849da92e77725932b60080702fd10cd0d7dd78944d4132d09d1d50ba1cc19d76");
}

TEST(Fingerprint, NeverIsOneAttempt) {
  EXPECT_EQ(Fingerprint(With("attempts: 5", "attempts: 5, kinds: {oom: never}")),
            Fingerprint(With("attempts: 5", "attempts: 5, kinds: {oom: {attempts: 1, backoff: 7s}}")));
}

TEST(Fingerprint, ReferencesDoNotDependOnHowOthersTrain) {
  const StatusOr<Sweep> one = Parse(GoodFile()), other = Parse(With("epochs: 3", "epochs: 4"));
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(one->configurations.back().trial, other->configurations.back().trial);
  EXPECT_EQ(one->configurations.back().trial.train.precision, "bf16");  // generation's too
}

// Top-level sections in any order, comments and blank lines anywhere between lines.
RC_GTEST_PROP(FingerprintProperty, IsTheSameForOtherLayouts, ()) {
  std::vector<std::string> sections;
  std::istringstream lines(GoodFile());
  for (std::string line; std::getline(lines, line);) {
    if (line[0] != ' ') sections.emplace_back();
    const auto noise = *rc::gen::inRange(0, 8);
    if (noise == 0) sections.back() += "\n";
    if (noise == 1) sections.back() += "   # seeds: [9]\n";
    sections.back() += line + std::string(static_cast<std::size_t>(*rc::gen::inRange(0, 3)), ' ') + "\n";
    if (noise == 2) sections.back() += "# a comment: {with, [yaml\n";
  }
  std::string yaml;
  while (!sections.empty()) {
    const auto at = *rc::gen::inRange<std::size_t>(0, sections.size());
    yaml += sections[at];
    sections.erase(sections.begin() + static_cast<std::ptrdiff_t>(at));
  }
  RC_ASSERT(Fingerprint(yaml) == Fingerprint(GoodFile()));
}

}  // namespace
}  // namespace lorikeet::spec
