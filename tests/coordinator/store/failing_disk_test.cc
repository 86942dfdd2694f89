// The disk that the other tests trust: that it loses what it may lose, and nothing else.
#include "tests/coordinator/store/failing_disk.h"

#include <sqlite3.h>

#include <set>

#include "tests/coordinator/store/workload.h"

namespace lorikeet::store {
namespace {

using Outcome = FailingDisk::Outcome;

std::string ReadAll(FailingDisk& disk, const std::string& name) {
  std::string bytes;
  EXPECT_EQ(disk.Read(name, 0, 1 << 20, bytes), Outcome::kDone);
  return bytes;
}

// What is in "f" after the power went, for many seeds: "synced" was synced, 600 bytes over it were not.
std::set<std::string> AfterPowerCuts() {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    FailingDisk disk(seed);
    disk.Open("f", true);
    disk.Write("f", 0, std::string(600, 's'));
    disk.Sync("f");
    disk.Write("f", 0, std::string(600, 'u'));
    EXPECT_EQ(ReadAll(disk, "f"), std::string(600, 'u'));
    disk.CutPower();
    EXPECT_EQ(disk.Write("f", 0, "x"), Outcome::kError);
    disk.PowerOn();
    found.insert(ReadAll(disk, "f"));
  }
  return found;
}

TEST(FailingDiskTest, KeepsWhatIsSyncedAndAnyPartOfTheRest) {
  const std::string s(512, 's'), u(512, 'u'), s_rest(88, 's'), u_rest(88, 'u');
  EXPECT_EQ(AfterPowerCuts(), (std::set<std::string>{s + s_rest, u + s_rest, s + u_rest, u + u_rest}));
}

TEST(FailingDiskTest, ANewNameMayGoUntilItIsSyncedAndAnOldOneMayComeBack) {
  int fresh = 0, old = 0, synced = 0, empty = 0, other = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    FailingDisk disk(seed);
    for (const char* name : {"old", "gone", "synced"}) disk.Open(name, true);
    for (const char* name : {"old", "gone", "synced"}) disk.Sync(name);
    disk.Open("new", true);
    disk.Delete("old", /*sync_folder=*/false);
    disk.Delete("gone", /*sync_folder=*/true);
    EXPECT_FALSE(disk.Exists("old"));
    disk.CutPower();
    disk.PowerOn();
    fresh += disk.Exists("new");
    old += disk.Exists("old");
    synced += disk.Exists("synced");
    EXPECT_FALSE(disk.Exists("gone"));

    for (const char* name : {"/a/made", "/a/gone", "/b/made"}) disk.Open(name, true);
    disk.Write("/a/made", 0, "content");
    disk.Delete("/a/gone", /*sync_folder=*/false);
    disk.SyncFolder("/a");
    disk.CutPower();
    disk.PowerOn();
    EXPECT_TRUE(disk.Exists("/a/made"));
    EXPECT_FALSE(disk.Exists("/a/gone"));
    empty += disk.SizeOf("/a/made") == 0;
    other += disk.Exists("/b/made");
  }
  EXPECT_EQ(synced, 50);
  for (const int some : {fresh, old, empty, other}) EXPECT_TRUE(some > 0 && some < 50) << some;
}

TEST(FailingDiskTest, FaultsDoWhatTheySay) {
  FailingDisk disk(3);
  EXPECT_EQ(disk.Open("none", false), Outcome::kError);
  disk.Open("f", true);
  disk.Follow(FaultAt(Fault::kFull, {Operation::kWrite}, 2, 2));
  EXPECT_EQ(disk.Write("f", 0, "abcdef"), Outcome::kDone);
  EXPECT_EQ(disk.Write("f", 6, "ghijkl"), Outcome::kFull);
  EXPECT_LT(disk.SizeOf("f"), 12);
  EXPECT_EQ(disk.Write("f", 6, "ghijkl"), Outcome::kFull);
  EXPECT_EQ(disk.Write("f", 6, "ghijkl"), Outcome::kDone);
  EXPECT_EQ(ReadAll(disk, "f"), "abcdefghijkl");
  EXPECT_EQ(disk.faults(), 2);
  disk.Follow(FaultAt(Fault::kShort, {Operation::kWrite}, 1));
  EXPECT_EQ(disk.Write("f", 0, "ABCDEF"), Outcome::kError);
  EXPECT_EQ(disk.count(Operation::kWrite), 5);
  // A lost sync is not heard of, and no write of before it is safe.
  disk.Follow(FaultAt(Fault::kLost, {Operation::kSync}, 1));
  EXPECT_EQ(disk.Sync("f"), Outcome::kDone);
  EXPECT_FALSE(disk.files().at("f").kept.exists);
  disk.Follow(FaultAt(Fault::kPowerCut, {Operation::kSync}, 1));
  EXPECT_EQ(disk.Sync("f"), Outcome::kError);
  EXPECT_FALSE(disk.powered());
  EXPECT_TRUE(disk.files().at("f").kept.exists);
}

// The kernel calls pages clean that never reached the disk.
TEST(FailingDiskTest, AfterAFailedSyncTheNextOneSucceedsAndSavesNothing) {
  std::set<std::string> kept;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    FailingDisk disk(seed);
    disk.Open("f", true);
    disk.Sync("f");
    disk.Write("f", 0, "lost?");
    disk.Follow(FaultAt(Fault::kError, {Operation::kSync}, 1));
    EXPECT_EQ(disk.Sync("f"), Outcome::kError);
    EXPECT_EQ(disk.Sync("f"), Outcome::kDone);
    EXPECT_EQ(ReadAll(disk, "f"), "lost?");
    disk.CutPower();
    disk.PowerOn();
    kept.insert(ReadAll(disk, "f"));
  }
  EXPECT_EQ(kept, (std::set<std::string>{"", "lost?"}));
}

TEST(FailingVfsTest, ConnectionsLockEachOtherOut) {
  Machine machine(1, 1000);
  const auto open = [&] {
    return SQLite::Database(machine.database(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 0,
                            machine.vfs().name());
  };
  SQLite::Database one = open(), two = open();
  for (const char* mode : {"DELETE", "WAL"}) {
    one.exec(std::string("PRAGMA journal_mode = ") + mode + "; CREATE TABLE " + mode + "_t (x)");
    one.exec("BEGIN IMMEDIATE");
    EXPECT_EQ(two.tryExec("BEGIN IMMEDIATE"), SQLITE_BUSY);
    one.exec("INSERT INTO " + std::string(mode) + "_t VALUES (1)");
    EXPECT_EQ(two.execAndGet("SELECT count(*) FROM " + std::string(mode) + "_t").getInt(), 0);
    one.exec("COMMIT");
    EXPECT_EQ(two.execAndGet("SELECT count(*) FROM " + std::string(mode) + "_t").getInt(), 1);
    two.exec("BEGIN IMMEDIATE; INSERT INTO " + std::string(mode) + "_t VALUES (2); COMMIT");
    EXPECT_EQ(one.execAndGet("SELECT count(*) FROM " + std::string(mode) + "_t").getInt(), 2);
  }
}

}  // namespace
}  // namespace lorikeet::store
