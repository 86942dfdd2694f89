// A data folder of a test's own, and rows to put into it.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "coordinator/store/store.h"

namespace lorikeet::store {

inline WallTime At(std::int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(1'772'366'400'000 + milliseconds));  // 2026-03-01T12:00:00Z
}

class Folder {
 public:
  Folder() {
    std::string name = ::testing::TempDir() + "lorikeet-store-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string database() const { return path_ + "/results.db"; }

 private:
  std::string path_;
};

inline core::Sweep MakeSweep(const std::string& id, const std::string& name) {
  core::Sweep sweep;
  sweep.id = id;
  sweep.name = name;
  sweep.fingerprint = "fp-" + name;
  sweep.text = "sweep: " + name + "\n";
  sweep.baseline = "full";
  sweep.retry = {.attempts = 4,
                 .backoff = std::chrono::milliseconds(1500),
                 .kinds = {{"oom", {.attempts = 2, .backoff = std::chrono::milliseconds(700)}}},
                 .interruptions = 7};
  sweep.priority = -3;
  sweep.max_running = 12;
  sweep.labels = {{"gpu", "a100"}};
  sweep.trials = 2;
  sweep.seeds = {1, 2, 9'007'199'254'740'993};
  sweep.notes = {"prompt: epochs 10, elsewhere 3", "ein Satz mit “Zeichen”"};
  sweep.submitted_at = At(0);
  return sweep;
}

inline core::Configuration MakeConfiguration(const std::string& sweep, std::int64_t position,
                                             const std::string& name, const std::string& arm) {
  core::Configuration configuration;
  configuration.sweep_id = sweep;
  configuration.position = position;
  configuration.name = name;
  configuration.arm = arm;
  configuration.planned = 2;
  configuration.trial = R"({"configuration":")" + name + R"(","seed":0})";
  return configuration;
}

inline core::Trial MakeTrial(const std::string& id, const std::string& sweep, std::int64_t configuration,
                             std::int64_t position, std::int64_t seed) {
  core::Trial trial;
  trial.id = id;
  trial.sweep_id = sweep;
  trial.configuration_id = configuration;
  trial.position = position;
  trial.name = "name of " + id;
  trial.seed = seed;
  return trial;
}

inline core::Worker MakeWorker(const std::string& id) {
  core::Worker worker;
  worker.id = id;
  worker.hostname = "host-" + id;
  worker.build = "0.1.0 (abc)";
  worker.session = 3;
  worker.state = "connected";
  worker.drain = true;
  worker.quarantine = "3 trials failed";
  worker.failing = {"t-1", "t-2"};
  worker.labels = {{"gpu", "a100"}, {"zone", "x"}};
  worker.slots = {{.index = 0,
                   .kind = "cpu",
                   .device = "cpu",
                   .device_model = "A \"CPU\"",
                   .memory_bytes = 1LL << 40,
                   .threads = 2}};
  worker.first_seen_at = At(1);
  worker.last_seen_at = At(2);
  return worker;
}

inline core::Attempt MakeAttempt(const std::string& id, const std::string& trial, std::int64_t number,
                                 const std::string& worker) {
  core::Attempt attempt;
  attempt.id = id;
  attempt.trial_id = trial;
  attempt.number = number;
  attempt.token = number;
  attempt.worker_id = worker;
  attempt.granted_at = At(number);
  return attempt;
}

inline core::Prediction MakePrediction(const std::string& split, const std::string& id, double rouge1) {
  core::Prediction prediction;
  prediction.split = split;
  prediction.id = id;
  prediction.summary = "a summary of " + id;
  prediction.tokens = 5;
  prediction.rouge = {.rouge1 = rouge1, .rouge2 = rouge1 / 2, .rougeL = rouge1 / 3, .rougeLsum = rouge1 / 4};
  return prediction;
}

inline core::Result MakeResult(double rouge1) {
  core::Result result;
  result.test = {
      .rouge = {.rouge1 = rouge1, .rouge2 = rouge1 / 2, .rougeL = rouge1 / 3, .rougeLsum = rouge1 / 4},
      .documents = 40,
      .sources_cut = 0.5,
      .targets_cut = 0.25,
      .outputs_cut = 0.125};
  result.validation = result.test;
  result.validation.rouge.rouge1 = rouge1 + 0.01;
  result.validation_loss = 2.5;
  result.kept_step = 30;
  result.last_step = 60;
  result.train_documents = 100;
  result.empty_documents = 1;
  result.trainable_parameters = 1234;
  result.trainable_share = 0.006;
  result.device = "cpu";
  result.device_model = "CPU one";
  result.precision = "fp32";
  result.threads = 1;
  result.micro_batch_size = 4;
  result.train_seconds = 10;
  result.tokens_per_second = 1000;
  result.peak_memory_bytes = 5'000'000;
  result.latency_p50_seconds = 0.25;
  result.latency_p95_seconds = 0.5;
  result.generated_tokens_per_second = 200;
  result.adapter_bytes = 4096;
  result.data_fingerprint = "data";
  result.model_fingerprint = "model";
  return result;
}

// Every row of `sql`, its columns as text, NULL as "NULL"; by a connection of its own.
inline std::vector<std::vector<std::string>> Query(const std::string& path, const std::string& sql) {
  SQLite::Database database(path, SQLite::OPEN_READONLY);
  SQLite::Statement statement(database, sql);
  std::vector<std::vector<std::string>> rows;
  while (statement.executeStep()) {
    std::vector<std::string> row;
    for (int i = 0; i < statement.getColumnCount(); ++i) {
      row.push_back(statement.isColumnNull(i) ? "NULL" : statement.getColumn(i).getString());
    }
    rows.push_back(std::move(row));
  }
  return rows;
}
inline std::string One(const std::string& path, const std::string& sql) {
  const auto rows = Query(path, sql);
  return rows.size() == 1 && rows[0].size() == 1 ? rows[0][0] : "(" + std::to_string(rows.size()) + " rows)";
}

// One sweep "demo" (s-1) of `full` (baseline) and `lora rank=8`, trials t-1 and t-2 on them, worker w-1,
// attempt a-1 of t-1 under way.
class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    auto opened = Store::Open(folder_.path(), {.build = "0.1.0 (test)", .vfs = ""});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  void Reopen() {
    ASSERT_TRUE(store_->Close().ok());
    store_.reset();
    Open();
  }
  void Fill() {
    const Status status = store_->Write([&](Transaction& transaction) -> Status {
      RETURN_IF_ERROR(transaction.InsertSweep(MakeSweep("s-1", "demo")));
      core::Configuration full = MakeConfiguration("s-1", 0, "full", "full");
      full.baseline = true;
      ASSIGN_OR_RETURN(full_, transaction.InsertConfiguration(full));
      core::Configuration lora = MakeConfiguration("s-1", 1, "lora rank=8", "lora");
      lora.axes = {{"rank", "8"}};
      lora.settings = {{"rank", "8"}, {"alpha", "16"}};
      ASSIGN_OR_RETURN(lora_, transaction.InsertConfiguration(lora));
      RETURN_IF_ERROR(transaction.InsertTrial(MakeTrial("t-1", "s-1", full_, 0, 1)));
      RETURN_IF_ERROR(transaction.InsertTrial(MakeTrial("t-2", "s-1", lora_, 1, 1)));
      RETURN_IF_ERROR(transaction.UpsertWorker(MakeWorker("w-1")));
      return transaction.InsertAttempt(MakeAttempt("a-1", "t-1", 1, "w-1"));
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  // `change` alone, in a transaction.
  template <typename Change>
  Status Write(const Change& change) {
    return store_->Write([&](Transaction& transaction) -> Status { return change(transaction); });
  }
  std::string One(const std::string& sql) { return store::One(store_->path(), sql); }

  Folder folder_;
  std::unique_ptr<Store> store_;
  std::int64_t full_ = 0, lora_ = 0;
};

inline std::string CodeOf(const Status& status) { return absl::StatusCodeToString(status.code()); }

}  // namespace lorikeet::store
