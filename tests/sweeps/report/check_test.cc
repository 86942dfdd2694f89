#include "sweeps/report/check.h"

#include <filesystem>
#include <fstream>

#include "sweeps/report/backup.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::report {
namespace {

using store::At;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A sweep of two trials: t-1 has its result, by its second attempt; t-2 runs.
class CheckTest : public store::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Fill();
    ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                  core::Attempt first = store::MakeAttempt("a-1", "t-1", 1, "w-1");
                  first.state = core::AttemptState::kReturned;
                  first.ended_at = At(5);
                  RETURN_IF_ERROR(t.UpdateAttempt(first));
                  core::Attempt second = store::MakeAttempt("a-2", "t-1", 2, "w-1");
                  RETURN_IF_ERROR(t.InsertAttempt(second));
                  RETURN_IF_ERROR(t.CommitResult("t-1", "a-2", store::MakeResult(0.4), At(9)));
                  second.state = core::AttemptState::kSucceeded;
                  second.ended_at = At(9);
                  RETURN_IF_ERROR(t.UpdateAttempt(second));
                  RETURN_IF_ERROR(SetTrial(t, "t-1", full_, core::TrialState::kSucceeded, 2));
                  RETURN_IF_ERROR(t.PutArtifact(Adapter()).status());
                  core::Attempt running = store::MakeAttempt("a-3", "t-2", 1, "w-1");
                  running.state = core::AttemptState::kRunning;
                  RETURN_IF_ERROR(t.InsertAttempt(running));
                  return SetTrial(t, "t-2", lora_, core::TrialState::kRunning, 1);
                }).ok());
    Damage("UPDATE configurations SET planned = 1; UPDATE sweeps SET trials = 2");
  }
  static Status SetTrial(store::Transaction& t, const std::string& id, std::int64_t configuration,
                         core::TrialState state, core::Token token) {
    core::Trial trial = store::MakeTrial(id, "s-1", configuration, 0, 1);
    trial.state = state;
    trial.token = token;
    return t.UpdateTrial(trial);
  }
  static core::Artifact Adapter() {
    return {.trial_id = "t-1",
            .attempt_id = "a-2",
            .kind = core::ArtifactKind::kAdapter,
            .token = 2,
            .step = 9,
            .path = "s-1/t-1-adapter-1",
            .files = {{.name = "adapter_model.safetensors", .bytes = 5, .sha256 = std::string(64, 'a')}},
            .created_at = At(9)};
  }
  // By another program, which nothing stops.
  void Damage(const std::string& sql) const {
    SQLite::Database database(store_->path(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA foreign_keys = OFF;" + sql);
  }
  std::vector<std::string> Check() const {
    const auto wrong = CheckDatabase(store_->path());
    EXPECT_TRUE(wrong.ok()) << wrong.status();
    return wrong.ok() ? *wrong : std::vector<std::string>{};
  }
};

TEST_F(CheckTest, NothingIsWrongWithASoundOne) { EXPECT_THAT(Check(), IsEmpty()); }

TEST_F(CheckTest, EveryRuleIsSeenBroken) {
  const std::pair<const char*, const char*> damages[] = {
      {"UPDATE attempts SET state = 'lost' WHERE id = 'a-3'", "a trial is running and has no lease"},
      {"UPDATE trials SET state = 'failed' WHERE id = 't-1'", "a trial succeeded and has no result"},
      {"UPDATE trials SET token = 7 WHERE id = 't-2'", "its token is not its trial's newest"},
      {"UPDATE results SET attempt_id = 'a-1'", "a result is of an attempt that did not succeed"},
      {"UPDATE results SET seed = 9", "a result names another sweep, configuration or seed"},
      {"UPDATE attempts SET number = 3 WHERE id = 'a-2'", "not numbered from 1 without gaps"},
      {"INSERT INTO staged_predictions VALUES ('a-2', 'test', 'd', 0, 's', 1, 0, 0, 0, 0)",
       "predictions wait for a result that can never come"},
      {"UPDATE sweeps SET state = 'finished'", "a sweep has ended and a trial of it has not"},
      {"UPDATE sweeps SET trials = 3", "not the number of trials that it was submitted with"},
      {"UPDATE configurations SET planned = 2 WHERE name = 'full'",
       "not the number of trials that was planned"},
      {"UPDATE configurations SET sweep_id = 's-2' WHERE name = 'full'",
       "a trial is of another sweep than its configuration"},
      {"UPDATE attempts SET ended_at = NULL WHERE id = 'a-1'", "an attempt is over and has no end"},
      {"INSERT INTO sweep_files SELECT t.sweep_id, 'model', 'another', 'w-1', '2000-01-01T00:00:00.000Z' "
       "FROM results AS r JOIN trials AS t ON t.id = r.trial_id",
       "a result is of another model or of other documents"},
      {"UPDATE artifacts SET token = 1", "an artifact is of another trial, or has another token"},
      {"UPDATE artifacts SET kind = 'checkpoint'", "a checkpoint is kept for a trial that succeeded"},
      {"INSERT INTO comparisons (sweep_id, configuration_id, baseline_id, metric, difference, seeds, "
       "baseline_seeds) SELECT 's-1', k.id, b.id, 'rouge1', 0, 0, 1 FROM configurations AS k, configurations "
       "AS b WHERE k.baseline = 0 AND b.baseline = 1",
       "a comparison is there, and a trial of its configuration or of the baseline has not ended"},
      {"INSERT INTO comparisons (sweep_id, configuration_id, baseline_id, metric, difference, seeds, "
       "baseline_seeds) SELECT 's-1', k.id, b.id, 'rouge1', 0, 1, 1 FROM configurations AS k, configurations "
       "AS b WHERE k.baseline = 0 AND b.baseline = 1",
       "a comparison counts other seeds than have results"},
      {"INSERT INTO foreign_rows (sweep_id, name, source, seeds, imported_at, tested) VALUES "
       "('s-1', 'theirs', 'x', 1, '2000-01-01T00:00:00.000Z', 1)",
       "an imported row counts other seeds than it has summaries of"},
      {"INSERT INTO foreign_rows (sweep_id, name, source, seeds, imported_at, tested) VALUES "
       "('s-1', 'theirs', 'x', 1, '2000-01-01T00:00:00.000Z', 1); INSERT INTO foreign_summaries VALUES "
       "('s-1', 'theirs', 1, 'd', 's', 0, 0, 0, 0)",
       "an imported row has not a summary of each document"},
      {"INSERT INTO score_runs (sweep_id, metric, configuration, seed, mean, documents, scored_at) VALUES "
       "('s-1', 'm', 'full', 1, 0, 1, '2000-01-01T00:00:00.000Z')",
       "a run has not a score of each document"},
  };
  ASSERT_EQ(std::size(damages), Rules().size());
  for (const auto& [sql, broken] : damages) {
    SCOPED_TRACE(sql);
    const std::string copy = folder_.path() + "/copy.db";
    ASSERT_TRUE(BackUp(store_->path(), copy, [](auto, auto) {}).ok());
    {
      SQLite::Database database(copy, SQLite::OPEN_READWRITE);
      database.exec(sql);
    }
    const auto wrong = CheckDatabase(copy);
    ASSERT_TRUE(wrong.ok()) << wrong.status();
    EXPECT_THAT(*wrong, ::testing::Contains(HasSubstr(broken)));
    std::filesystem::remove(copy);
  }
}

TEST_F(CheckTest, FilesOfArtifactsAreLookedFor) {
  const std::string folder = folder_.path() + "/artifacts", adapter = folder + "/s-1/t-1-adapter-1";
  EXPECT_THAT(*CheckArtifacts(store_->path(), folder), ElementsAre(HasSubstr("adapter_model.safetensors")));
  std::filesystem::create_directories(adapter);
  const std::string file = adapter + "/adapter_model.safetensors";
  ASSERT_TRUE(WriteFileAtomically(file, "12345").ok());
  EXPECT_THAT(*CheckArtifacts(store_->path(), folder), IsEmpty());
  ASSERT_TRUE(WriteFileAtomically(file, "123456").ok());
  EXPECT_THAT(*CheckArtifacts(store_->path(), folder), ElementsAre(HasSubstr("has 6 bytes, not 5")));
}

TEST_F(CheckTest, ReferencesToNothingAreFound) {
  Damage("DELETE FROM workers");
  EXPECT_THAT(Check(), ::testing::Contains("a row of attempts refers to one of workers that is not there"));
}

TEST_F(CheckTest, SaysNoMoreThanAHundredLines) {
  std::string many = "BEGIN;";
  for (int i = 0; i < 300; ++i)
    many += "INSERT INTO attempts (id, trial_id, number, token, worker_id, state, granted_at) VALUES ('x" +
            std::to_string(i) + "', 't-2', " + std::to_string(i + 5) + ", " + std::to_string(i + 5) +
            ", 'w-1', 'failed', '2026-01-01T00:00:00.000Z');";
  Damage(many + "COMMIT");
  const std::vector<std::string> wrong = Check();
  ASSERT_EQ(wrong.size(), 100U);
  EXPECT_EQ(wrong.back(), "and more");
}

TEST_F(CheckTest, WhatIsNoDatabaseIsRefused) {
  const std::string path = folder_.path() + "/other";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(8192, 'x')).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckDatabase(path).status())) << CheckDatabase(path).status();
  EXPECT_TRUE(absl::IsNotFound(CheckDatabase(folder_.path() + "/none").status()));
}

TEST_F(CheckTest, ABackupIsOneSnapshotOneFileAndReplacesNothing) {
  const std::string copy = folder_.path() + "/copy.db";
  std::int64_t told = 0, all = 0;
  bool wrote = false;
  const auto bytes = BackUp(store_->path(), copy, [&](std::int64_t done, std::int64_t pages) {
    told = done;
    all = pages;
    // A coordinator goes on writing; what comes now is not in the copy.
    if (!std::exchange(wrote, true)) Damage("UPDATE sweeps SET name = 'later'");
  });
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_GT(*bytes, 4096);
  EXPECT_EQ(told, all);
  EXPECT_THAT(*CheckDatabase(copy), IsEmpty());
  EXPECT_EQ(store::One(copy, "SELECT count(*) FROM results"), "1");
  const auto again = BackUp(store_->path(), copy, [](auto, auto) {});
  EXPECT_TRUE(absl::IsAlreadyExists(again.status())) << again.status();
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
    EXPECT_NE(entry.path().filename(), "copy.db-wal");
  }
}

TEST_F(CheckTest, ADamagedOneIsFoundAndNotBackedUp) {
  ASSERT_TRUE(store_->Close().ok());  // so that the file alone is what is read
  const std::string path = folder_.database();
  for (std::uintmax_t at = 4096 * 3 + 100; at + 2000 < std::filesystem::file_size(path); at += 4096 * 2) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(1500, '\xee');
  }
  const auto wrong = CheckIntegrity(path);
  EXPECT_TRUE(!wrong.ok() || !wrong->empty()) << "not even SQLite sees it";
  const std::string copy = folder_.path() + "/copy.db";
  EXPECT_FALSE(BackUp(path, copy, [](auto, auto) {}).ok());
  EXPECT_FALSE(std::filesystem::exists(copy));
}

}  // namespace
}  // namespace lorikeet::report
