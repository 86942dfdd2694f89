// Beam search's bookkeeping by hand: what a step keeps, ends, and when it stops.
#include "worker/trainer/generate/beams.h"

#include <gtest/gtest.h>

namespace lorikeet::trainer {
namespace {

constexpr text::TokenId kStart = 0, kEnd = 1;

EvaluateSettings Settings(const std::string& early_stopping, double length_penalty = 1) {
  EvaluateSettings settings;
  settings.beams = 2;
  settings.max_new_tokens = 4;
  settings.early_stopping = early_stopping;
  settings.length_penalty = length_penalty;
  return settings;
}

std::vector<std::int64_t> Step(BeamSearch& search, const std::vector<Candidate>& candidates) {
  return search.Advance(candidates);
}

TEST(BeamSearchTest, OnlyTheFirstBeamCountsAtFirst) {
  BeamSearch search(Settings("false"), kStart, kEnd);
  ASSERT_EQ(search.running().size(), 2u);
  EXPECT_EQ(search.running()[0].score, 0);
  EXPECT_EQ(search.running()[1].score, -1e9f);
  EXPECT_EQ(search.running()[1].tokens, std::vector<text::TokenId>{kStart});
}

TEST(BeamSearchTest, ContinuesTheBestThatDoNotEnd) {
  BeamSearch search(Settings("false"), kStart, kEnd);
  EXPECT_EQ(Step(search, {{-1, 0, 5}, {-2, 0, kEnd}, {-3, 0, 7}, {-4, 0, 8}}),
            (std::vector<std::int64_t>{0, 0}));
  EXPECT_EQ(search.running()[0].tokens, (std::vector<text::TokenId>{kStart, 5}));
  EXPECT_EQ(search.running()[1].tokens, (std::vector<text::TokenId>{kStart, 7}));
  EXPECT_EQ(Step(search, {{-3.5, 1, 4}, {-3.6, 0, 4}, {-9, 0, 9}, {-9, 1, 9}}),
            (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(search.running()[0].tokens, (std::vector<text::TokenId>{kStart, 7, 4}));
  EXPECT_FALSE(search.done());
}

TEST(BeamSearchTest, AnEndOutsideTheBestBeamsIsNoSummary) {
  BeamSearch search(Settings("true"), kStart, kEnd);
  Step(search, {{-1, 0, 5}, {-2, 0, 6}, {-2.5, 0, kEnd}, {-4, 0, 8}});
  EXPECT_FALSE(search.best().finished);
}

TEST(BeamSearchTest, EarlyStoppingEndsWithAsManySummariesAsBeams) {
  BeamSearch early(Settings("true"), kStart, kEnd), late(Settings("false"), kStart, kEnd);
  const std::vector<Candidate> first = {{-1, 0, kEnd}, {-1.1f, 0, 6}, {-1.2f, 0, 7}, {-9, 0, 8}};
  const std::vector<Candidate> second = {{-1.3f, 0, 6}, {-3, 1, kEnd}, {-3.1f, 0, 7}, {-9, 0, 8}};
  for (BeamSearch* search : {&early, &late}) {
    Step(*search, first);
    EXPECT_FALSE(search->done());
    Step(*search, second);
  }
  EXPECT_TRUE(early.done());
  EXPECT_FALSE(late.done());  // -1.3 / 2 beats the worse of the finished, -3 / 2
  EXPECT_EQ(early.best().tokens, (std::vector<text::TokenId>{kStart, kEnd}));
  EXPECT_FLOAT_EQ(early.best().score, -1);
}

TEST(BeamSearchTest, StopsWhereNothingBetterCanCome) {
  const std::vector<Candidate> first = {{-0.1f, 0, kEnd}, {-1.1f, 0, 6}, {-1.2f, 0, 7}, {-9, 0, 8}};
  const std::vector<Candidate> second = {{-2.0f, 0, kEnd}, {-2.9f, 1, 6}, {-3.1f, 0, 7}, {-9, 0, 8}};
  BeamSearch search(Settings("false"), kStart, kEnd), patient(Settings("never"), kStart, kEnd);
  for (BeamSearch* each : {&search, &patient}) {
    Step(*each, first);
    Step(*each, second);
  }
  EXPECT_TRUE(search.done());    // at this length, -2.9 / 2 is below -2 / 2
  EXPECT_FALSE(patient.done());  // at the longest, -2.9 / 4 would be above
}

TEST(BeamSearchTest, TheLimitCutsAndTheLengthPenaltyDecides) {
  for (const double penalty : {0.0, 1.0}) {
    BeamSearch search(Settings("never", penalty), kStart, kEnd);
    Step(search, {{-1, 0, kEnd}, {-1.1f, 0, 6}, {-1.2f, 0, 7}, {-9, 0, 8}});
    Step(search, {{-1.2f, 0, 6}, {-1.3f, 0, 7}, {-9, 0, 8}, {-9, 1, 9}});
    Step(search, {{-1.3f, 0, 6}, {-1.4f, 0, 7}, {-9, 0, 8}, {-9, 1, 9}});
    if (penalty > 0) {
      ASSERT_FALSE(search.done());
      Step(search, {{-1.4f, 0, 6}, {-1.5f, 0, 7}, {-9, 0, 8}, {-9, 1, 9}});
    }
    while (!search.done()) Step(search, {{-5, 0, 6}, {-5.5f, 0, 7}, {-9, 0, 8}, {-9, 1, 9}});
    const std::vector<text::TokenId> summary = search.best().tokens;
    EXPECT_EQ(summary, penalty > 0 ? (std::vector<text::TokenId>{kStart, 6, 6, 6, 6})
                                   : (std::vector<text::TokenId>{kStart, kEnd}));
  }
}

}  // namespace
}  // namespace lorikeet::trainer
