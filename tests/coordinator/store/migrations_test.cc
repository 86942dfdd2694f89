#include "coordinator/store/migrations.h"

#include <algorithm>

#include "common/files.h"
#include "tests/coordinator/store/fixture.h"
#include "tests/paths.h"

namespace lorikeet::store {
namespace {

using ::testing::HasSubstr;

const std::string kFolder = std::string(kSourceDir) + "/coordinator/store/migrations";

// The released files, in order.
std::vector<std::string> Files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// A database as the build that knew the first `version` files left it, with one sweep and a result in it.
void MakeOld(const std::string& path, std::size_t version) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
  for (std::size_t i = 0; i < version; ++i) database.exec(*ReadFile(Files()[i]));
  database.exec("PRAGMA user_version = " + std::to_string(version));
  database.exec(
      "INSERT INTO sweeps (id, name, fingerprint, text, state, baseline, max_attempts, backoff_ms, trials, "
      "seeds, notes,"
      " build, submitted_at, finished_at) VALUES ('s', 'old', 'f', 't', 'finished', 'full', 3, 1000, 1, "
      "'[1]', '[]', 'b',"
      " '2026-01-01T00:00:00.000Z', NULL);"
      "INSERT INTO configurations (id, sweep_id, position, name, arm, axes, settings, baseline, planned)"
      " VALUES (1, 's', 0, 'full', 'full', '{}', '{}', 1, 1)");
  database.exec(
      version < 4
          ? "INSERT INTO trials (id, sweep_id, configuration_id, position, name, seed, state, settings)"
            " VALUES ('t', 's', 1, 0, 'full seed=1', 1, 'succeeded', '{\"seed\":1,\"rate\":1e-3}')"
          : "INSERT INTO trials (id, sweep_id, configuration_id, position, name, seed, state)"
            " VALUES ('t', 's', 1, 0, 'full seed=1', 1, 'succeeded');"
            "UPDATE configurations SET trial = '{\"seed\":0,\"rate\":1e-3}'");
  database.exec(
      "INSERT INTO workers (id, hostname, build, session, state, slots, first_seen_at, last_seen_at) VALUES "
      "('w', 'h', 'b', 1, 'disconnected', '[]', '2026-01-01T00:00:00.000Z', "
      "'2026-01-01T00:00:00.000Z');"
      "INSERT INTO attempts (id, trial_id, number, token, worker_id, state, granted_at)"
      " VALUES ('b', 't', 1, 1, 'w', 'failed', '2026-01-01T00:00:00.000Z'),"
      " ('c', 't', 2, 2, 'w', 'returned', '2026-01-01T00:00:00.000Z'),"
      " ('d', 't', 3, 3, 'w', 'superseded', '2026-01-01T00:00:00.000Z'),"
      " ('a', 't', 4, 4, 'w', 'succeeded', '2026-01-01T00:00:00.000Z');"
      "INSERT INTO results VALUES ('t', 'a', 'old', 'full', 'full', 1, 0.4, 0.2, 0.3, 0.35, 0.41, 0.2, 0.3, "
      "0.35, 1, 1,"
      " 10, 10, 10, 0, 5, 5, 0, 0, 0, 0, 0, 0, 7, 1, 'cpu', 'm', 1, 1, 'fp32', 1, 1, 1, 1, 1, 1, 1, 'd', "
      "'m', 'b', '2026-01-01T00:00:00.000Z')");
}

TEST(MigrationsTest, AreEmbeddedAsTheyAreAndNumberedWithoutGaps) {
  const auto files = Files();
  const auto& embedded = EmbeddedMigrations();
  ASSERT_EQ(embedded.size(), files.size());
  ASSERT_GE(embedded.size(), 2u);
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(embedded[i].number, static_cast<int>(i) + 1);
    EXPECT_THAT(files[i], HasSubstr(fmt::format("/{:04}_", i + 1)));
    EXPECT_EQ(embedded[i].sql, *ReadFile(files[i]));
  }
}

TEST(MigrationsTest, EveryEarlierVersionIsBroughtForward) {
  const std::size_t newest = EmbeddedMigrations().size();
  for (std::size_t version = 1; version <= newest; ++version) {
    const Folder folder;
    MakeOld(folder.database(), version);
    auto opened = Store::Open(folder.path(), {.build = "test", .vfs = ""});
    ASSERT_TRUE(opened.ok()) << opened.status() << " from version " << version;
    EXPECT_EQ(One(folder.database(), "PRAGMA user_version"), std::to_string(newest));
    const std::string copy = folder.database() + ".version-" + std::to_string(version);
    EXPECT_EQ(std::filesystem::exists(copy), version < newest);
    if (version < newest) {
      EXPECT_EQ(One(copy, "PRAGMA user_version"), std::to_string(version)) << "as it was";
      EXPECT_EQ(One(copy, "SELECT count(*) FROM results"), "1");
    }
    EXPECT_FALSE(std::filesystem::exists(copy + ".tmp"));
    EXPECT_EQ(One(folder.database(), "SELECT rouge1_mean FROM rouge_table WHERE sweep = 'old'"), "40.0");
    const auto snapshot = (*opened)->Load();
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    ASSERT_EQ(snapshot->trials.size(), 1u);
    EXPECT_EQ(snapshot->trials[0].name, "full seed=1");
    // Counted from its attempts where the old file did not; a newer one has its own count.
    EXPECT_EQ(snapshot->trials[0].interruptions, version < 3 ? 2 : 0);
    EXPECT_FALSE(snapshot->workers.at(0).drain);
    EXPECT_EQ(snapshot->workers.at(0).quarantine, "");
    EXPECT_TRUE(snapshot->workers.at(0).failing.empty());
    EXPECT_EQ(
        snapshot->sweeps.at(0).retry,
        (RetryPolicy{.attempts = 3, .backoff = std::chrono::seconds(1), .kinds = {}, .interruptions = 100}));
    EXPECT_EQ(snapshot->sweeps.at(0).priority, 0);
    EXPECT_FALSE(snapshot->sweeps.at(0).max_running.has_value());
    EXPECT_TRUE(snapshot->workers.at(0).labels.empty());
    // What its result says that it was run on.
    EXPECT_EQ(snapshot->files.size(), version < 9 ? 2U : 0U);
    EXPECT_TRUE(snapshot->bars.empty());
    EXPECT_EQ(*(*opened)->TrialSettings("t"), R"({"seed":1,"rate":1e-3})");
    // The connection checks references again after the migration.
    EXPECT_TRUE(absl::IsNotFound(
        (*opened)->Write([](Transaction& t) { return t.InsertTrial(MakeTrial("t-9", "s-none", 1, 0, 0)); })));
  }
}

TEST(MigrationsTest, ComparisonsAreKeptWhereTheirTableIsMadeAnew) {
  const Folder folder;
  MakeOld(folder.database(), 13);  // 0015 lets them be of any metric
  const std::string columns =
      "sweep_id, configuration_id, baseline_id, metric, difference, low, high, p_value, p_corrected, verdict,"
      " standard_error, degrees, p_not_worse, p_not_worse_corrected, p_equivalent, p_equivalent_corrected,"
      " detectable, documents, seeds, baseline_seeds, reason";
  SQLite::Database(folder.database(), SQLite::OPEN_READWRITE)
      .exec("INSERT INTO comparisons (" + columns +
            ") VALUES ('s', 1, 1, 'rouge2', 1, 2, 3, 4, 5, 'better', 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "
            "'why')");
  const auto before = Query(folder.database(), "SELECT " + columns + " FROM comparisons");
  ASSERT_EQ(before.size(), 1U);
  ASSERT_TRUE(Store::Open(folder.path(), {.build = "test", .vfs = ""}).ok());
  EXPECT_EQ(Query(folder.database(), "SELECT " + columns + " FROM comparisons"), before);
}

TEST(MigrationsTest, GiveTheSameSchemaAsANewDatabase) {
  const Folder old_folder, new_folder;
  MakeOld(old_folder.database(), 1);
  ASSERT_TRUE(Store::Open(old_folder.path(), {.build = "test", .vfs = ""}).ok());
  ASSERT_TRUE(Store::Open(new_folder.path(), {.build = "test", .vfs = ""}).ok());
  const char* schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name";
  EXPECT_EQ(Query(old_folder.database(), schema), Query(new_folder.database(), schema));
}

TEST(MigrationsTest, OneThatFailsLeavesTheVersionBeforeIt) {
  const Folder folder;
  SQLite::Database database(folder.database(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  const std::vector<Migration> broken = {{1, "0001_good.sql", "CREATE TABLE a (x)"},
                                         {2, "0002_bad.sql", "CREATE TABLE b (x); CREATE TABLE a (x)"}};
  const Status status = Migrate(database, folder.database(), broken);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(Message(status), HasSubstr("results.db: migration 0002_bad.sql: "));
  EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), 1);
  EXPECT_EQ(database.execAndGet("SELECT count(*) FROM sqlite_master").getInt(), 1);
  // Mended, it goes on from there.
  const std::vector<Migration> mended = {broken[0], {2, "0002_good.sql", "CREATE TABLE b (x)"}};
  EXPECT_TRUE(Migrate(database, folder.database(), mended).ok());
  EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), 2);
}

TEST(MigrationsTest, OneThatBreaksAReferenceIsUndone) {
  const Folder folder;
  SQLite::Database database(folder.database(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  const std::vector<Migration> first = {
      {1, "1",
       "CREATE TABLE a (x PRIMARY KEY); CREATE TABLE b (x REFERENCES a (x)); INSERT INTO a VALUES (1);"
       "INSERT INTO b VALUES (1)"}};
  ASSERT_TRUE(Migrate(database, folder.database(), first).ok());
  const Status status = Migrate(database, folder.database(), {first[0], {2, "2", "DELETE FROM a"}});
  EXPECT_THAT(Message(status), HasSubstr("a row of b refers to nothing"));
  EXPECT_EQ(database.execAndGet("SELECT count(*) FROM a").getInt(), 1);
}

}  // namespace
}  // namespace lorikeet::store
