// Scores that come from outside: rows with their summaries beside the sweep's own, and other metrics.
#include "coordinator/service/scores.h"

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kDocuments = 12;

class ScoresTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    worker_ = Connect("w", 1);
  }

  static std::string Id(int document) { return fmt::format("d{}", document); }

  // The next trial, which the worker has, ends with a result, and the documents with the first.
  void FinishNext(const std::map<std::string, double>& means) {
    const Grant grant = worker_.Grants().back();
    const std::string configuration = grant.trial_name.substr(0, grant.trial_name.find(" seed="));
    const std::int64_t seed = TrialFromJson(grant.trial_json)->seed;
    std::vector<Event> events = {MakeStarted()};
    core::Result scores = MakeScores(kDocuments);
    scores.test.documents = kDocuments;
    scores.test.rouge = {};
    for (int i = 0; i < kDocuments; ++i) {
      if (grant.want_documents) {
        events.emplace_back(
            core::Document{.split = "test", .id = Id(i), .article = "a", .reference = "r", .position = i});
      }
      const double score = ScoreOf(means.at(configuration), seed, i);
      events.emplace_back(store::MakePrediction("test", Id(i), score));
      scores.test.rouge.rouge1 += score / kDocuments;
    }
    events.emplace_back(scores);
    ASSERT_TRUE(Send(worker_, grant, 1, std::move(events)).ok());
    Close(worker_, grant);
  }
  void FailNext(const std::string& kind) {
    const Grant grant = worker_.Grants().back();
    ASSERT_TRUE(Send(worker_, grant, 1, {MakeStarted(), Failed{kind, "said so"}}).ok());
    Close(worker_, grant);
  }
  // full and one lora, three seeds each, with results.
  void Run() {
    Submit(MakeSweep("demo", 1, 3));
    for (int i = 0; i < 6; ++i) FinishNext({{"full", 0.40}, {"lora rank=1", 0.43}});
  }

  // Summaries with the scores of a configuration of that mean.
  static ScoredRun Summaries(const std::string& row, std::int64_t seed, double mean) {
    ScoredRun run{.configuration = row, .seed = seed, .documents = {}};
    for (int i = 0; i < kDocuments; ++i) {
      const double score = ScoreOf(mean, seed, i);
      run.documents.push_back(
          {.id = Id(i), .summary = "theirs", .scores = {score, score / 2, score / 3, score / 4}});
    }
    return run;
  }
  static ScoresUpload Rows(const std::string& row, double mean, std::int64_t seeds = 3) {
    ScoresUpload upload{.sweep = "demo",
                        .predictions = true,
                        .source = "our runs of spring",
                        .metrics = {"rouge1", "rouge2", "rougeL", "rougeLsum"},
                        .runs = {}};
    for (std::int64_t seed = 1; seed <= seeds; ++seed) upload.runs.push_back(Summaries(row, seed, mean));
    return upload;
  }
  // Another metric, in its own unit.
  static ScoresUpload Metric(const std::string& name, const std::map<std::string, double>& means) {
    ScoresUpload upload{.sweep = "demo", .predictions = false, .source = {}, .metrics = {name}, .runs = {}};
    for (const auto& [configuration, mean] : means) {
      for (std::int64_t seed = 1; seed <= 3; ++seed) {
        ScoredRun run{.configuration = configuration, .seed = seed, .documents = {}};
        for (int i = kDocuments - 1; i >= 0; --i) {
          run.documents.push_back({.id = Id(i), .summary = {}, .scores = {ScoreOf(mean, seed, i)}});
        }
        upload.runs.push_back(std::move(run));
      }
    }
    return upload;
  }
  std::vector<std::vector<std::string>> Foreign(const std::string& columns) {
    return store::Query(
        store_->path(),
        "SELECT name, " + columns + " FROM foreign_comparisons WHERE metric = 'rouge1' ORDER BY name");
  }
  std::string Refused(const ScoresUpload& upload,
                      absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    const auto taken = service_->PutScores(upload);
    EXPECT_EQ(taken.status().code(), code) << taken.status();
    return Message(taken.status());
  }

  FakeWorker worker_;
};

TEST_F(ScoresTest, SummariesEqualToARowsOwnAreComparedAsItIs) {
  Run();
  const auto taken = service_->PutScores(Rows("theirs", 0.43));
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->sweep, "demo");
  EXPECT_THAT(taken->rows, ElementsAre("theirs"));
  EXPECT_EQ(taken->runs, 3);
  EXPECT_EQ(taken->documents, 3 * kDocuments);
  const std::string columns =
      "difference, standard_error, low, high, p_value, p_not_worse, p_equivalent, detectable, documents, "
      "seeds,"
      " baseline_seeds, verdict, reason";
  const auto own = store::Query(store_->path(),
                                "SELECT 'theirs', " + columns + " FROM comparisons WHERE metric = 'rouge1'");
  EXPECT_EQ(Foreign(columns), own) << "without a tick";
  EXPECT_EQ(Foreign("verdict")[0][1], "better");
  EXPECT_EQ(One("SELECT abs(rouge1_mean - (SELECT 100 * avg(test_rouge1) FROM results WHERE configuration ="
                " 'lora rank=1')) < 1e-9 FROM foreign_rows"),
            "1");
  EXPECT_EQ(One("SELECT count(*) FROM foreign_summaries WHERE summary = 'theirs'"), "36");
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'imported'"),
            "row 'theirs' from our runs of spring, with the summaries of 3 seeds");
}

TEST_F(ScoresTest, ImportedRowsAreCorrectedForThemselvesAndTheFamilyAndTheSweepIsMarked) {
  Run();
  EXPECT_EQ(One("SELECT extended FROM sweeps"), "0");
  const std::string before = One("SELECT p_corrected FROM comparisons WHERE metric = 'rouge1'");
  ASSERT_TRUE(service_->PutScores(Rows("theirs", 0.40)).ok());
  EXPECT_EQ(One("SELECT extended || ' ' || family FROM sweeps"), "1 1");
  // By Holm the larger of two counts once, and never less than the smaller does.
  const std::string ratio =
      "round(p_corrected / p_value, 6) FROM foreign_comparisons WHERE metric = 'rouge1'";
  EXPECT_EQ(One("SELECT " + ratio + " AND name = 'theirs'"), "1.0");
  ASSERT_TRUE(service_->PutScores(Rows("theirs too", 0.46)).ok());
  EXPECT_EQ(One("SELECT " + ratio + " AND name = 'theirs too'"), "3.0") << "a family of 1, and two that came";
  EXPECT_EQ(One("SELECT p_corrected FROM comparisons WHERE metric = 'rouge1'"), before)
      << "what was planned stays as it was planned";
  ASSERT_TRUE(service_->RemoveRow("demo", "theirs").ok());
  EXPECT_EQ(One("SELECT " + ratio + " AND name = 'theirs too'"), "2.0");
  EXPECT_EQ(One("SELECT extended FROM sweeps"), "1") << "it has been looked at";
}

TEST_F(ScoresTest, APapersRowIsNotTestedAndMarksNothing) {
  Run();
  core::ForeignRow row;
  row.sweep_id = "demo";
  row.name = "LoRA, Large";
  row.source = "the study";
  row.rouge1 = {.mean = 43.52, .sd = {}};
  ASSERT_TRUE(service_->ImportRow(row).ok());
  EXPECT_EQ(One("SELECT extended FROM sweeps"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM foreign_comparisons"), "0");
}

TEST_F(ScoresTest, TheSameNameIsReplacedAndARemovedOneIsGone) {
  Run();
  ASSERT_TRUE(service_->PutScores(Rows("theirs", 0.43)).ok());
  ASSERT_TRUE(service_->PutScores(Metric("bertscore", {{"full", 0.8}, {"theirs", 0.9}})).ok());
  EXPECT_EQ(One("SELECT count(*) FROM foreign_comparisons"), "5");
  ASSERT_TRUE(service_->PutScores(Rows("theirs", 0.38, 4)).ok());
  EXPECT_EQ(One("SELECT count(*) FROM foreign_summaries"), "48");
  EXPECT_THAT(Foreign("verdict, seeds"), ElementsAre(ElementsAre("theirs", "worse", "4")));
  EXPECT_EQ(One("SELECT count(*) FROM score_runs WHERE configuration = 'theirs'"), "0")
      << "they were scores of other summaries";
  ASSERT_TRUE(service_->RemoveRow("demo", "theirs").ok());
  for (const char* table : {"foreign_rows", "foreign_summaries", "foreign_comparisons"}) {
    EXPECT_EQ(One(fmt::format("SELECT count(*) FROM {}", table)), "0") << table;
  }
}

TEST_F(ScoresTest, APapersRowTakesTheirPlace) {
  Run();
  ASSERT_TRUE(service_->PutScores(Rows("theirs", 0.43)).ok());
  core::ForeignRow row;
  row.sweep_id = "demo";
  row.name = "theirs";
  row.source = "the study";
  row.rouge1 = {.mean = 43.52, .sd = {}};
  ASSERT_TRUE(service_->ImportRow(row).ok());
  EXPECT_EQ(One("SELECT tested || source FROM foreign_rows"), "0the study");
  EXPECT_EQ(One("SELECT count(*) FROM foreign_summaries"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM foreign_comparisons"), "0");
}

TEST_F(ScoresTest, OneThatComesBeforeTheBaselineEndsIsComparedThen) {
  Submit(MakeSweep("demo", 0, 3));  // the baseline alone
  FinishNext({{"full", 0.40}});
  ASSERT_TRUE(service_->PutScores(Rows("theirs", 0.43)).ok());
  EXPECT_EQ(Foreign("1").size(), 0u);
  Restart();
  worker_ = Connect("w", 1);
  Pass(seconds(40));
  for (int i = 0; i < 2; ++i) FinishNext({{"full", 0.40}});
  Pass(seconds(1));
  EXPECT_THAT(Foreign("verdict"), ElementsAre(ElementsAre("theirs", "better")));
}

TEST_F(ScoresTest, ARetriedBaselineTakesThemAwayAndBringsThemBack) {
  Submit(MakeSweep("demo", 0, 3));
  for (int i = 0; i < 2; ++i) FinishNext({{"full", 0.40}});
  FailNext("bad_input");
  ASSERT_TRUE(service_->PutScores(Rows("theirs", 0.43)).ok());
  EXPECT_THAT(Foreign("verdict, reason"),
              ElementsAre(ElementsAre("theirs", "withheld", "2 of 3 the baseline's seeds are in")));
  ASSERT_TRUE(service_->Retry("demo").ok());
  EXPECT_EQ(Foreign("1").size(), 0u);
  FinishNext({{"full", 0.40}});
  Pass(seconds(1));
  EXPECT_THAT(Foreign("verdict, baseline_seeds"), ElementsAre(ElementsAre("theirs", "better", "3")));
}

TEST_F(ScoresTest, TwoSeedsGetNoVerdict) {
  Run();
  ASSERT_TRUE(service_->PutScores(Rows("theirs", 0.43, 2)).ok());
  EXPECT_THAT(
      Foreign("round(difference, 6) > 2, low, verdict, reason"),
      ElementsAre(ElementsAre("theirs", "1", "NULL", "withheld", "2 of its seeds, where a verdict wants 3")));
}

TEST_F(ScoresTest, WhatIsNotWholeIsRefusedAndLeavesNothing) {
  Run();
  const auto spoilt = [&](const std::function<void(ScoresUpload&)>& spoil) {
    ScoresUpload upload = Rows("theirs", 0.43);
    spoil(upload);
    return upload;
  };
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.runs[1].documents.erase(u.runs[1].documents.begin()); })),
              HasSubstr("'theirs', seed 2: document 'd0' is missing; 11 of 12 are there"));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.runs[0].documents[3].id = "x"; })),
              HasSubstr("'theirs', seed 1: "));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.runs[0].documents.push_back(u.runs[0].documents[0]); })),
              HasSubstr("document 'd0' twice"));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.runs.push_back(u.runs[0]); })),
              HasSubstr("'theirs', seed 1: twice"));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.runs.clear(); })), HasSubstr("nothing is there"));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.source.clear(); })), HasSubstr("where the rows are from"));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.runs[2].documents[0].scores[1] = 1.5; })),
              HasSubstr("rouge2 1.5; from 0 to 1"));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.runs[2].documents[0].scores.pop_back(); })),
              HasSubstr("3 scores, of 4 metrics"));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.metrics[0] = "bleu"; })),
              HasSubstr("summaries come with rouge1"));
  EXPECT_THAT(
      Refused(spoilt([](auto& u) { u.runs[2].configuration = "full"; }), absl::StatusCode::kAlreadyExists),
      HasSubstr("a configuration 'full' of its own"));
  EXPECT_THAT(Refused(spoilt([](auto& u) { u.sweep = "dmo"; }), absl::StatusCode::kNotFound),
              HasSubstr("did you mean 'demo'?"));
  EXPECT_EQ(One("SELECT count(*) FROM foreign_rows"), "0");
  EXPECT_EQ(One("SELECT extended FROM sweeps"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'imported'"), "0");
}

TEST_F(ScoresTest, WithoutDocumentsThereIsNothingToHoldThemTo) {
  Submit(MakeSweep("demo", 1, 3));
  EXPECT_THAT(Refused(Rows("theirs", 0.43), absl::StatusCode::kFailedPrecondition),
              HasSubstr("no documents yet"));
}

TEST_F(ScoresTest, AnotherMetricIsComparedByTheSameTestAndGetsNoVerdict) {
  Run();
  const std::string rouge = One("SELECT group_concat(p_corrected || coalesce(verdict, '')) FROM comparisons");
  ASSERT_TRUE(service_->PutScores(Metric("bertscore", {{"full", 0.40}, {"lora rank=1", 0.43}})).ok());
  const auto by = [&](const std::string& metric, const std::string& scale) {
    return store::Query(store_->path(), fmt::format("SELECT round(difference / {0}, 9), round(low / {0}, 9),"
                                                    " round(p_value, 12), round(p_corrected, 12), seeds,"
                                                    " documents FROM comparisons WHERE metric = '{1}'",
                                                    scale, metric));
  };
  EXPECT_EQ(by("bertscore", "1"), by("rouge1", "100"));
  EXPECT_EQ(One("SELECT coalesce(verdict, 'none') || coalesce(p_not_worse, 'none') ||"
                " coalesce(p_not_worse_corrected, 'none') FROM comparisons WHERE metric = 'bertscore'"),
            "nonenonenone");
  EXPECT_EQ(One("SELECT group_concat(p_corrected || coalesce(verdict, '')) FROM comparisons"
                " WHERE metric <> 'bertscore'"),
            rouge)
      << "nothing else has changed";
  EXPECT_EQ(One("SELECT extended FROM sweeps"), "0") << "no row came";
  EXPECT_EQ(One("SELECT message FROM events WHERE kind = 'scored'"), "bertscore of 6 runs");
  // Given again, replaced.
  ASSERT_TRUE(service_->PutScores(Metric("bertscore", {{"lora rank=1", 0.40}})).ok());
  EXPECT_EQ(One("SELECT count(*) FROM scores"), "72");
  EXPECT_EQ(One("SELECT round(difference, 9) FROM comparisons WHERE metric = 'bertscore'"), "0.0");
}

TEST_F(ScoresTest, AnotherMetricOfAnImportedRowIsComparedToo) {
  Run();
  ASSERT_TRUE(service_->PutScores(Metric("bertscore", {{"full", 0.40}, {"lora rank=1", 0.43}})).ok());
  ASSERT_TRUE(service_->PutScores(Rows("theirs", 0.43)).ok());
  ASSERT_TRUE(service_->PutScores(Metric("bertscore", {{"theirs", 0.43}})).ok());
  EXPECT_EQ(One("SELECT round(difference, 9) FROM foreign_comparisons WHERE metric = 'bertscore'"),
            One("SELECT round(difference, 9) FROM comparisons WHERE metric = 'bertscore'"));
  EXPECT_EQ(One("SELECT verdict FROM foreign_comparisons WHERE metric = 'rouge1'"), "better")
      << "still there";
}

TEST_F(ScoresTest, ScoresThatComeWhileTheSweepRunsAreComparedWithTheRest) {
  Submit(MakeSweep("demo", 1, 3));
  const std::map<std::string, double> means = {{"full", 0.40}, {"lora rank=1", 0.43}};
  for (int i = 0; i < 5; ++i) FinishNext(means);
  ScoresUpload early = Metric("bertscore", means);
  early.runs.pop_back();  // lora's third seed has no result yet
  ASSERT_TRUE(service_->PutScores(early).ok());
  EXPECT_THAT(Refused(Metric("bertscore", means), absl::StatusCode::kFailedPrecondition),
              HasSubstr("'lora rank=1', seed 3: has no result to score: it is running"));
  FinishNext(means);
  const std::string count = "SELECT count(*) FROM comparisons WHERE metric = 'bertscore'";
  EXPECT_EQ(One(count), "0") << "not all of its seeds are scored";
  ASSERT_TRUE(service_->PutScores(Metric("bertscore", means)).ok());
  EXPECT_EQ(One(count), "1");
}

TEST_F(ScoresTest, RunsAndMetricsThatCannotBeAreRefused) {
  Run();
  const auto metric = [&](const std::string& name) { return Metric(name, {{"full", 0.4}}); };
  EXPECT_THAT(Refused(metric("rouge1")), HasSubstr("is what the trainer scored"));
  EXPECT_THAT(Refused(metric("ROUGEL")), HasSubstr("is what the trainer scored"));
  EXPECT_THAT(Refused(metric("a b")), HasSubstr("no name for a metric"));
  EXPECT_THAT(Refused(metric("")), HasSubstr("no name for a metric"));
  EXPECT_THAT(Refused(Metric("m", {{"fall", 0.4}}), absl::StatusCode::kNotFound),
              HasSubstr("did you mean 'full'?"));
  ScoresUpload upload = metric("m");
  upload.runs[0].seed = 9;
  EXPECT_THAT(Refused(upload, absl::StatusCode::kNotFound), HasSubstr("with results it has 1, 2, 3"));
  upload = metric("m");
  upload.runs[0].documents[0].scores[0] = NAN;
  EXPECT_THAT(Refused(upload), HasSubstr("a finite number"));
  upload = metric("m");
  upload.metrics = {"m", "m"};
  EXPECT_THAT(Refused(upload), HasSubstr("metric 'm' twice"));
  EXPECT_EQ(One("SELECT count(*) FROM score_runs"), "0");
}

}  // namespace
}  // namespace lorikeet::service
