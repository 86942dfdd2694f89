// How often the intervals hold the truth and how often identical arms get a verdict, in simulated sweeps: 400
// documents, a seed's mean off by 0.5 ROUGE points (sd), a score off by 4 beside its document's own.
#include <gtest/gtest.h>

#include <random>

#include "coordinator/comparison/difference.h"
#include "coordinator/comparison/holm.h"
#include "coordinator/comparison/verdict.h"

namespace lorikeet::comparison {
namespace {

constexpr int kDocuments = 400;
constexpr double kMargin = 0.5;

class Sweeps {
 public:
  explicit Sweeps(std::uint64_t seed) : random_(seed) {}
  // `seeds` runs of one configuration whose true mean is `mean`; `own`: how much its summaries of a document
  // differ from others' of the same document, whatever the seed.
  Summary Draw(int seeds, double mean, double own = 3) {
    std::vector<double> of_document(kDocuments);
    for (double& value : of_document) value = Normal(own);
    std::vector<std::vector<double>> scores(static_cast<std::size_t>(seeds), std::vector<double>(kDocuments));
    for (std::vector<double>& seed : scores) {
      const double of_seed = Normal(0.5);
      for (int d = 0; d < kDocuments; ++d) {
        const auto at = static_cast<std::size_t>(d);
        seed[at] = mean + of_seed + of_document[at] + Normal(4);
      }
    }
    return Summarize(scores);
  }

 private:
  double Normal(double sd) { return std::normal_distribution<double>(0, sd)(random_); }
  std::mt19937_64 random_;
};

// In percent, of `sweeps` sweeps.
double Coverage(int seeds, int sweeps) {
  Sweeps random(20260301 + static_cast<std::uint64_t>(seeds));
  int held = 0;
  for (int i = 0; i < sweeps; ++i) {
    const Inference inference = *Compare(random.Draw(seeds, 41.3), random.Draw(seeds, 41), kMargin).inference;
    if (inference.low <= 0.3 && 0.3 <= inference.high) ++held;
  }
  return 100.0 * held / sweeps;
}

// Nominal is 95; two seeds a side give less, which is why they get no verdict. 1,500 sweeps: a standard error
// of 0.6 percent.
TEST(CoverageTest, IntervalsHoldTheTruthAsOftenAsTheySay) {
  for (const auto& [seeds, least] : {std::pair(2, 91.0), {3, 93.0}, {5, 93.0}}) {
    const double coverage = Coverage(seeds, 1500);
    RecordProperty("coverage_" + std::to_string(seeds) + "_seeds", std::to_string(coverage));
    EXPECT_GE(coverage, least) << seeds << " seeds";
    EXPECT_LE(coverage, 98.0) << seeds << " seeds";
  }
}

// Six arms that are all the baseline again: in how many of 100 sweeps does one of them get a verdict of
// better or worse? Nominal is 5. Far out in the tail Satterthwaite's degrees are a little too many where
// seeds are few: 3,000 sweeps gave 7 with three seeds a side, and 6 with five.
TEST(CoverageTest, IdenticalArmsHardlyEverGetAVerdict) {
  constexpr int kSweeps = 800, kArms = 6;
  for (const auto& [seeds, most] : {std::pair(3, 10), {5, 8}}) {
    Sweeps random(7 + static_cast<std::uint64_t>(seeds));
    int false_verdicts = 0, uncorrected = 0;
    for (int i = 0; i < kSweeps; ++i) {
      const Summary baseline = random.Draw(seeds, 41);
      std::vector<double> p_values;
      for (int arm = 0; arm < kArms; ++arm) {
        p_values.push_back(Compare(random.Draw(seeds, 41), baseline, kMargin).inference->p_value);
      }
      bool any = false, any_uncorrected = false;
      for (const double p : Holm(p_values, kArms)) {
        const Verdict verdict = Judge(1, {.p_value = p, .p_not_worse = 1, .p_equivalent = 1}, false).verdict;
        any = any || verdict != Verdict::kNotShown;
      }
      for (const double p : p_values) any_uncorrected = any_uncorrected || p < kLevel;
      false_verdicts += any ? 1 : 0;
      uncorrected += any_uncorrected ? 1 : 0;
    }
    RecordProperty("false_verdicts_" + std::to_string(seeds) + "_seeds", false_verdicts);
    EXPECT_LE(false_verdicts, kSweeps * most / 100) << seeds << " seeds";
    EXPECT_GT(uncorrected, kSweeps * 10 / 100) << seeds << " seeds: the correction has nothing to do";
  }
}

// The difference that is called detectable is found in about 80 of 100 sweeps.
TEST(CoverageTest, WhatIsCalledDetectableIsDetected) {
  constexpr int kSweeps = 600;
  Sweeps random(11);
  double detectable = 0;
  for (int i = 0; i < 100; ++i) {
    detectable += Compare(random.Draw(5, 41), random.Draw(5, 41), kMargin).inference->detectable / 100;
  }
  int found = 0;
  for (int i = 0; i < kSweeps; ++i) {
    const Difference difference = Compare(random.Draw(5, 41 + detectable), random.Draw(5, 41), kMargin);
    found += difference.inference->p_value < kLevel && difference.difference > 0 ? 1 : 0;
  }
  EXPECT_GE(found, kSweeps * 74 / 100);
  EXPECT_LE(found, kSweeps * 88 / 100);
}

// Where the truth lies just at the margin, "equivalent" and "not worse" are said in at most 5 of 100 sweeps.
TEST(CoverageTest, AtTheMarginNothingIsCalledEquivalent) {
  constexpr int kSweeps = 600;
  Sweeps random(13);
  int equivalent = 0, not_worse = 0;
  for (int i = 0; i < kSweeps; ++i) {
    const Inference inference = *Compare(random.Draw(5, 41 - 1.5), random.Draw(5, 41), 1.5).inference;
    equivalent += inference.p_equivalent < kLevel ? 1 : 0;
    not_worse += inference.p_not_worse < kLevel ? 1 : 0;
  }
  EXPECT_LE(equivalent, kSweeps * 8 / 100);
  EXPECT_LE(not_worse, kSweeps * 8 / 100);
  EXPECT_GE(not_worse, kSweeps * 2 / 100) << "a test that never speaks is none";
}

}  // namespace
}  // namespace lorikeet::comparison
