// Through a real database, filled as a coordinator fills it.
#include "sweeps/report/report.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/coordinator/store/fixture.h"

namespace lorikeet::report {
namespace {

using store::At;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Whose rights a root process has while this stands: nobody's.
class AsNobody {
 public:
  AsNobody() : was_root_(geteuid() == 0 && seteuid(65534) == 0) {}
  ~AsNobody() {
    if (was_root_ && seteuid(0) != 0) abort();
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  bool was_root_;
};

class ReportTest : public store::StoreTest {
 protected:
  // full (2 seeds), lora rank=8 (2 seeds), lead (1).
  void SetUp() override {
    StoreTest::SetUp();
    const Status status = store_->Write([&](store::Transaction& t) -> Status {
      core::Sweep sweep = store::MakeSweep("s-1", "demo");
      sweep.trials = 5;
      RETURN_IF_ERROR(t.InsertSweep(sweep));
      RETURN_IF_ERROR(t.UpsertWorker(store::MakeWorker("w-1")));
      core::Configuration full = store::MakeConfiguration("s-1", 0, "full", "full");
      full.baseline = true;
      ASSIGN_OR_RETURN(full_, t.InsertConfiguration(full));
      ASSIGN_OR_RETURN(lora_,
                       t.InsertConfiguration(store::MakeConfiguration("s-1", 1, "lora rank=8", "lora")));
      core::Configuration lead = store::MakeConfiguration("s-1", 2, "lead sentences=3", "lead");
      lead.planned = 1;
      ASSIGN_OR_RETURN(lead_, t.InsertConfiguration(lead));
      std::int64_t position = 0;
      for (const auto& [id, configuration, seed] :
           std::vector<std::tuple<std::string, std::int64_t, std::int64_t>>{{"full-1", full_, 1},
                                                                            {"full-2", full_, 2},
                                                                            {"lora-1", lora_, 1},
                                                                            {"lora-2", lora_, 2},
                                                                            {"lead", lead_, 0}}) {
        RETURN_IF_ERROR(t.InsertTrial(store::MakeTrial(id, "s-1", configuration, position++, seed)));
        RETURN_IF_ERROR(t.InsertAttempt(store::MakeAttempt("a-" + id, id, 1, "w-1")));
      }
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  Status SetState(const std::string& id, std::int64_t configuration, core::TrialState state,
                  const std::string& kind = "") {
    return Write([&](store::Transaction& t) {
      core::Trial trial = store::MakeTrial(id, "s-1", configuration, 0, 0);
      trial.state = state;
      trial.failure_kind = kind;
      return t.UpdateTrial(trial);
    });
  }
  void Finish(const std::string& id, std::int64_t configuration, const core::Result& result) {
    ASSERT_TRUE(
        Write([&](store::Transaction& t) { return t.CommitResult(id, "a-" + id, result, At(9)); }).ok());
    ASSERT_TRUE(SetState(id, configuration, core::TrialState::kSucceeded).ok());
  }
  StatusOr<Table> Read(const std::string& sweep = "demo") {
    ASSIGN_OR_RETURN(const auto report, Report::Open(folder_.database()));
    return report->ReadTable(sweep);
  }
  std::int64_t lead_ = 0;
};

TEST_F(ReportTest, ResultsOfOtherDocumentsAreNotCompared) {
  Finish("full-1", full_, store::MakeResult(0.40));
  Finish("lora-1", lora_, store::MakeResult(0.45));
  EXPECT_FALSE(Read()->mixed);
  core::Result other = store::MakeResult(0.42);
  other.data_fingerprint = "changed";
  Finish("full-2", full_, other);
  const auto table = Read();
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_TRUE(table->mixed);
  EXPECT_THAT(table->notes.back(), HasSubstr("from 2 versions of the documents"));
  EXPECT_EQ(table->answer,
            "The results are of different documents or base models, so nothing can be compared.");
}

TEST_F(ReportTest, ReadsWhatTheViewsSay) {
  Finish("full-1", full_, store::MakeResult(0.40));
  Finish("full-2", full_, store::MakeResult(0.42));
  Finish("lora-1", lora_, store::MakeResult(0.45));
  Finish("lora-2", lora_, store::MakeResult(0.41));
  Finish("lead", lead_, store::MakeResult(0.30));
  for (const char* name : {"demo", "s-1"}) {
    const auto table = Read(name);
    ASSERT_TRUE(table.ok()) << table.status();
    EXPECT_EQ(table->sweep + table->sweep_id + table->state + table->baseline, "demos-1runningfull");
    EXPECT_EQ(table->trials, 5);
    EXPECT_EQ(table->succeeded, 5);
    EXPECT_THAT(table->notes, ElementsAre("prompt: epochs 10, elsewhere 3", "ein Satz mit “Zeichen”"));
    ASSERT_EQ(table->rows.size(), 3u);
    const Row& full = table->rows[0];
    EXPECT_TRUE(full.baseline);
    EXPECT_NEAR(*full.rouge1.mean, 41, 1e-9);
    EXPECT_NEAR(*full.rouge1.sd, 1.4142135623730951, 1e-9);  // of 40 and 42, n - 1
    EXPECT_EQ(full.difference_rouge1, std::nullopt);
    const Row& lora = table->rows[1];
    EXPECT_NEAR(*lora.rouge1.mean, 43, 1e-9);
    EXPECT_NEAR(*lora.rouge2.mean, 21.5, 1e-9);
    EXPECT_NEAR(*lora.difference_rouge1, 2, 1e-9);
    EXPECT_NEAR(*lora.validation_rouge1, 44, 1e-9);
    EXPECT_EQ(lora.trainable_parameters, 1234);
    EXPECT_NEAR(*lora.trainable_share, 0.006, 1e-12);
    EXPECT_EQ(lora.train_seconds, 10);
    EXPECT_EQ(lora.device_model, "CPU one");
    EXPECT_TRUE(table->rows[2].reference);
    EXPECT_EQ(table->rows[2].rouge1.sd, std::nullopt);
    EXPECT_EQ(
        table->answer,
        "Chosen on validation, against full fine-tuning (41.00 ± 1.41 ROUGE-1): lora rank=8 scores +2.00 "
        "on test, verdict withheld: not compared yet, training 0.6 % of the parameters; the sweep has no "
        "prompt row to compare.");
  }
}

TEST_F(ReportTest, SaysWhatIsUnfinishedAndWhy) {
  Finish("full-1", full_, store::MakeResult(0.40));
  ASSERT_TRUE(SetState("full-2", full_, core::TrialState::kRunning).ok());
  ASSERT_TRUE(SetState("lora-1", lora_, core::TrialState::kFailed, "diverged").ok());
  ASSERT_TRUE(SetState("lora-2", lora_, core::TrialState::kFailed, "bad_input").ok());
  ASSERT_TRUE(SetState("lead", lead_, core::TrialState::kCancelled).ok());
  const auto table = Read();
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->failed, 2);
  EXPECT_EQ(table->rows[0].running, 1);
  EXPECT_EQ(table->rows[0].rouge1.sd, std::nullopt);
  EXPECT_EQ(table->rows[1].failed, 2);
  EXPECT_THAT(table->rows[1].failures, ElementsAre("1 bad input", "1 diverged"));
  EXPECT_THAT(table->rows[2].failures, ElementsAre("1 cancelled"));
  EXPECT_EQ(table->rows[1].rouge1.mean, std::nullopt);
  EXPECT_THAT(table->answer, HasSubstr("every LoRA trial failed"));
}

TEST_F(ReportTest, CostsOverSeveralDevicesAreLeftOut) {
  core::Result result = store::MakeResult(0.40);
  Finish("full-1", full_, result);
  result.device_model = "another";
  Finish("full-2", full_, result);
  const auto table = Read();
  EXPECT_EQ(table->rows[0].train_seconds, std::nullopt);
  EXPECT_EQ(table->rows[0].device_model, std::nullopt);
  EXPECT_EQ(table->rows[0].trainable_parameters, 1234);
}

TEST_F(ReportTest, NamesTheNearestSweep) {
  EXPECT_EQ(Message(Read("dmeo").status()),
            folder_.database() + ": holds no sweep 'dmeo'; did you mean 'demo'?");
  EXPECT_EQ(Message(Read("something").status()),
            folder_.database() + ": holds no sweep 'something'; the newest is 'demo'");
  EXPECT_TRUE(absl::IsNotFound(Read("dmeo").status()));
  EXPECT_THAT(*(*Report::Open(folder_.database()))->SweepNames(), ElementsAre("demo"));
}

TEST_F(ReportTest, ReadsWhileACoordinatorWrites) {
  const auto report = Report::Open(folder_.database());
  ASSERT_TRUE(report.ok()) << report.status();
  std::string inner = "unread";
  ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                RETURN_IF_ERROR(t.InsertSweep(store::MakeSweep("s-2", "other")));
                inner = Message((*report)->ReadTable("other").status());
                return absl::OkStatus();
              }).ok());
  EXPECT_THAT(inner, HasSubstr("holds no sweep 'other'"));  // not committed, so not there
  EXPECT_TRUE((*report)->ReadTable("other").ok());
}

TEST_F(ReportTest, NeverWrites) {
  const auto report = Report::Open(folder_.database());
  ASSERT_TRUE(report.ok());
  Finish("full-1", full_, store::MakeResult(0.40));
  ASSERT_TRUE((*report)->ReadTable("demo").ok());
  // Nothing of the reader's keeps the writer from moving its WAL away.
  EXPECT_TRUE(store_->Close().ok());
  EXPECT_EQ(std::filesystem::file_size(folder_.database() + "-wal"), 0u);
  EXPECT_TRUE((*report)->ReadTable("demo").ok());
}

TEST_F(ReportTest, ReadsAfterACleanStopEvenWhereItMayNotWrite) {
  Finish("full-1", full_, store::MakeResult(0.40));
  ASSERT_TRUE(store_->Close().ok());
  ASSERT_FALSE(std::filesystem::exists(folder_.database() + "-wal"));
  ASSERT_EQ(chmod(folder_.path().c_str(), 0555), 0);
  {
    const AsNobody nobody;
    const auto table = Read();
    ASSERT_TRUE(table.ok()) << table.status();
    EXPECT_EQ(table->rows.size(), 3u);
  }
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  EXPECT_TRUE(Read().ok());
}

TEST_F(ReportTest, PathsWithSpecialCharactersOpen) {
  const std::string folder = folder_.path() + "/a b%41?x#y";
  std::filesystem::create_directory(folder);
  ASSERT_TRUE(store_->Close().ok());
  std::filesystem::copy_file(folder_.database(), folder + "/r.db");
  EXPECT_TRUE(Report::Open(folder + "/r.db").ok());
}

TEST_F(ReportTest, RefusesWhatIsNoResultsDatabase) {
  const std::string path = folder_.path() + "/x.db";
  EXPECT_TRUE(absl::IsNotFound(Report::Open(path).status()));
  EXPECT_FALSE(std::filesystem::exists(path));
  std::ofstream(path) << std::string(5000, 'x');
  EXPECT_EQ(Message(Report::Open(path).status()), path + ": is not a SQLite database");
  std::filesystem::remove(path);
  { SQLite::Database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE t (x)"); }
  EXPECT_EQ(Message(Report::Open(path).status()), path + ": is a SQLite database, but not one of Lorikeet's");
  { SQLite::Database(path, SQLite::OPEN_READWRITE).exec("CREATE TABLE sweeps (x); PRAGMA user_version = 1"); }
  EXPECT_THAT(Message(Report::Open(path).status()), HasSubstr("has version 1, tables need version 2"));
}

TEST_F(ReportTest, AnEmptyDatabaseHoldsNoSweep) {
  const store::Folder other;
  auto empty = store::Store::Open(other.path(), {.build = "x", .vfs = ""});
  ASSERT_TRUE(empty.ok());
  const auto report = Report::Open(other.database());
  EXPECT_EQ(Message((*report)->ReadTable("demo").status()), other.database() + ": holds no sweep yet");
  EXPECT_TRUE((*report)->SweepNames()->empty());
}

}  // namespace
}  // namespace lorikeet::report
