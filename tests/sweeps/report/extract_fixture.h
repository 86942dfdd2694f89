// A database with a sweep of two rows that were trained, for what leaves it as text.
#pragma once

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "sweeps/report/extract.h"
#include "sweeps/report/report.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::report {

// full (seeds 1 and 2), lora rank=8 (1 and 2), lead; nothing has a result yet.
class ExtractTest : public store::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    const Status status = store_->Write([&](store::Transaction& t) -> Status {
      core::Sweep sweep = store::MakeSweep("s-1", "demo");
      sweep.trials = 5;
      RETURN_IF_ERROR(t.InsertSweep(sweep));
      RETURN_IF_ERROR(t.UpsertWorker(store::MakeWorker("w-1")));
      core::Configuration full = store::MakeConfiguration("s-1", 0, "full", "full");
      full.baseline = true;
      full.trial = TrialFile("full", R"("learning_rate": 0.001)", "");
      ASSIGN_OR_RETURN(full_, t.InsertConfiguration(full));
      core::Configuration lora = store::MakeConfiguration("s-1", 1, "lora rank=8", "lora");
      lora.axes = {{"rank", "8"}};
      lora.trial =
          TrialFile("lora", R"("learning_rate": 0.01)",
                    R"(, "lora": {"rank": 8, "alpha": 16.0, "targets": ["q", "v"], "dropout": 0.05})");
      ASSIGN_OR_RETURN(lora_, t.InsertConfiguration(lora));
      core::Configuration lead = store::MakeConfiguration("s-1", 2, "lead", "lead");
      lead.planned = 1;
      lead.trial = TrialFile("lead", R"("learning_rate": 0.01)", R"(, "lead": {"sentences": 3})");
      ASSIGN_OR_RETURN(lead_, t.InsertConfiguration(lead));
      std::int64_t position = 0;
      for (const auto& [id, configuration, seed] :
           std::vector<std::tuple<std::string, std::int64_t, std::int64_t>>{{"full-1", full_, 1},
                                                                            {"full-2", full_, 2},
                                                                            {"lora-1", lora_, 1},
                                                                            {"lora-2", lora_, 2},
                                                                            {"lead", lead_, 0}}) {
        RETURN_IF_ERROR(t.InsertTrial(store::MakeTrial(id, "s-1", configuration, position++, seed)));
      }
      for (int i = 0; i < 5; ++i) {
        const std::string id = "d" + std::to_string(i);
        RETURN_IF_ERROR(t.InsertDocument("s-1", {.split = "test",
                                                 .id = id,
                                                 .article = "an article",
                                                 .reference = "a reference of " + id,
                                                 .position = i}));
      }
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  static std::string TrialFile(const std::string& method, const std::string& train, const std::string& own) {
    return R"({"sweep": "demo", "configuration": "c", "method": ")" + method +
           R"(", "seed": 0, "model": "/models/flan-t5-small",
      "data": {"format": "auto", "train": "/data/train.jsonl", "validation": "/data/validation.jsonl", "test": "/data/test.jsonl",
               "source_prefix": "summarize: ", "max_source_tokens": 1024, "max_target_tokens": 256},
      "train": {"epochs": 3, "batch_size": 16, "schedule": "linear", "warmup_steps": 0, "precision": "fp32", "gradient_clip": 1.0,
                "optimizer": {"name": "adamw", "weight_decay": 0.0, "betas": [0.9, 0.999], "eps": 1e-08}, "keep": "best",
                "keep_by": "validation_loss", )" +
           train + R"(},
      "evaluate": {"beams": 4, "max_new_tokens": 256, "min_new_tokens": 0, "length_penalty": 1.0, "no_repeat_ngram_size": 3,
                   "early_stopping": false, "batch_size": 16, "sentence_split": "auto"})" +
           own + R"(, "resources": {"gpus": 0}})";
  }

  // An attempt of the trial, which began a minute times its number after the sweep.
  void Attempt(const std::string& trial, std::int64_t number, const std::vector<core::Metric>& metrics = {}) {
    const Status status = Write([&](store::Transaction& t) -> Status {
      const std::string id = AttemptId(trial, number);
      core::Attempt attempt = store::MakeAttempt(id, trial, number, "w-1");
      attempt.started_at = store::At(60'000 * number);
      RETURN_IF_ERROR(t.InsertAttempt(attempt));
      for (const core::Metric& metric : metrics) RETURN_IF_ERROR(t.InsertMetric(id, metric));
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  static std::string AttemptId(const std::string& trial, std::int64_t number) {
    return "a-" + trial + "-" + std::to_string(number);
  }
  // Its result, with these ROUGE-1 of the test documents d0, d1, ….
  void Finish(const std::string& trial, std::int64_t number, const std::vector<double>& scores,
              const core::Result& result) {
    const Status status = Write([&](store::Transaction& t) -> Status {
      const std::string attempt = AttemptId(trial, number);
      for (std::size_t i = 0; i < scores.size(); ++i) {
        core::Prediction prediction = store::MakePrediction("test", "d" + std::to_string(i), scores[i]);
        prediction.summary = summary_.empty() ? trial + " on d" + std::to_string(i) : summary_;
        // Last first: the order of the data is another than that of ids.
        prediction.position = 100 - static_cast<std::int64_t>(i);
        RETURN_IF_ERROR(t.StagePrediction(attempt, prediction));
      }
      return t.CommitResult(trial, attempt, result, store::At(600'000));
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  Table ReadDemo() {
    const auto report = Report::Open(folder_.database());
    EXPECT_TRUE(report.ok()) << report.status();
    auto table = (*report)->ReadTable("demo");
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ok() ? *table : Table();
  }
  StatusOr<std::string> All(const ExtractRequest& request) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Extract> extract, Extract::Open(folder_.database(), request));
    std::string all;
    for (;;) {
      ASSIGN_OR_RETURN(const std::string piece, extract->Next());
      if (piece.empty()) return all;
      EXPECT_LE(piece.size(), kPieceBytes);
      all += piece;
    }
  }
  static ExtractRequest Ask(const std::string& what, const std::string& name) {
    ExtractRequest request;
    request.what = what;
    request.name = name;
    return request;
  }
  static std::vector<nlohmann::json> JsonLines(const std::string& text) {
    std::vector<nlohmann::json> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  std::string summary_;  // of what Finish adds; empty: the trial and the document
  std::int64_t lead_ = 0;
};

}  // namespace lorikeet::report
