#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "coordinator/store/folder.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::store {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  return names;
}

Status OpenStatus(const std::string& folder) {
  return Store::Open(folder, {.build = "test", .vfs = ""}).status();
}

TEST_F(StoreTest, ANewDatabaseIsSetUp) {
  EXPECT_EQ(One("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(One("PRAGMA auto_vacuum"), "2");  // incremental
  EXPECT_EQ(One("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(store_->path(), folder_.database());
}

TEST_F(StoreTest, TheFolderIsMade) {
  const std::string folder = folder_.path() + "/a/b";
  EXPECT_TRUE(OpenStatus(folder).ok());
  EXPECT_TRUE(std::filesystem::exists(folder + "/results.db"));
  const std::string file = folder_.path() + "/file";
  std::ofstream(file) << "x";
  EXPECT_THAT(Message(OpenStatus(file)), HasSubstr(file));
}

TEST(OpenTest, NewNamesAreSyncedInTheirFolders) {
  const Folder root;
  std::vector<std::string> synced;
  const OpenOptions options{.build = "test", .vfs = "", .sync_folder = [&](const std::string& folder) {
                              synced.push_back(folder);
                              return absl::OkStatus();
                            }};
  const std::string folder = root.path() + "/a/b";
  ASSERT_TRUE(Store::Open(folder, options).ok());
  EXPECT_EQ(synced, (std::vector<std::string>{root.path() + "/a", root.path(), folder}));
  // A start before this one may have been cut short.
  synced.clear();
  ASSERT_TRUE(Store::Open(folder + "/", options).ok());
  ASSERT_EQ(synced.size(), 2u);
  EXPECT_TRUE(std::filesystem::equivalent(synced[0], root.path() + "/a")) << synced[0];
}

TEST(OpenTest, ANewFolderThatCannotBeSyncedIsNoPlaceForResults) {
  const Folder root;
  const auto opened =
      Store::Open(root.path() + "/a", {.build = "test", .vfs = "", .sync_folder = [](const std::string&) {
                                         return Internal("fsync: Input/output error");
                                       }});
  EXPECT_TRUE(absl::IsInternal(opened.status())) << opened.status();
}

TEST_F(StoreTest, SaysHowMuchRoomIsLeft) {
  const auto free = store_->FreeBytes();
  ASSERT_TRUE(free.ok()) << free.status();
  EXPECT_GT(*free, 0);
  const Folder other;
  const auto told =
      Store::Open(other.path(),
                  {.build = "test", .vfs = "", .free_bytes = []() -> StatusOr<std::int64_t> { return 42; }});
  EXPECT_EQ(*(*told)->FreeBytes(), 42);
  EXPECT_TRUE(absl::IsInternal(FreeBytesOf(other.path() + "/none").status()));
}

TEST_F(StoreTest, ASecondCoordinatorIsRefused) {
  const Status status = OpenStatus(folder_.path());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status),
              HasSubstr(folder_.path() + ": another coordinator (pid " + std::to_string(getpid()) + ")"));
  ASSERT_TRUE(store_->Close().ok());
  EXPECT_TRUE(OpenStatus(folder_.path()).ok());
}

TEST(FolderLockTest, NamesTheProcessThatHoldsIt) {
  const Folder folder;
  int held[2];
  ASSERT_EQ(pipe(held), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto lock = FolderLock::Take(folder.path());
    const char byte = lock.ok() ? '+' : '-';
    if (write(held[1], &byte, 1) == 1) pause();
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(held[0], &byte, 1), 1);
  EXPECT_EQ(byte, '+');
  const Status status = OpenStatus(folder.path());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("(pid " + std::to_string(child) + ")"));
  // Gone with its process, however that ends.
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(OpenStatus(folder.path()).ok());
  close(held[0]);
  close(held[1]);
}

TEST_F(StoreTest, ANewerDatabaseIsRefusedWithBothVersions) {
  ASSERT_TRUE(store_->Close().ok());
  const std::string known = store::One(folder_.database(), "PRAGMA user_version");
  { SQLite::Database(folder_.database(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99"); }
  const Status status = OpenStatus(folder_.path());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("has version 99, this build knows up to version " + known));
  EXPECT_EQ(store::One(folder_.database(), "PRAGMA user_version"), "99");
}

TEST(OpenTest, WhatIsNotOursIsRefused) {
  const Folder folder;
  {
    SQLite::Database(folder.database(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
        .exec("CREATE TABLE t (x)");
  }
  EXPECT_THAT(Message(OpenStatus(folder.path())), HasSubstr("but not one of Lorikeet's"));
  const Folder other;
  std::ofstream(other.database()) << std::string(5000, 'x');
  EXPECT_THAT(Message(OpenStatus(other.path())), HasSubstr("is not a SQLite database"));
}

TEST_F(StoreTest, OnlyTheWriterCheckpoints) {
  Fill();
  const std::string wal = folder_.database() + "-wal";
  const auto wal_bytes = std::filesystem::file_size(wal);
  const auto file_bytes = std::filesystem::file_size(folder_.database());
  ASSERT_GT(wal_bytes, 0u);
  {
    SQLite::Database reader(folder_.database(), SQLite::OPEN_READONLY);
    EXPECT_EQ(reader.execAndGet("SELECT count(*) FROM sweeps").getInt(), 1);
    EXPECT_THROW(reader.exec("DELETE FROM trials"), SQLite::Exception);
  }
  EXPECT_EQ(std::filesystem::file_size(wal), wal_bytes);
  EXPECT_EQ(std::filesystem::file_size(folder_.database()), file_bytes);
}

TEST_F(StoreTest, ACleanStopLeavesTheFileAlone) {
  Fill();
  ASSERT_TRUE(store_->Close().ok());
  EXPECT_THAT(FilesIn(folder_.path()), UnorderedElementsAre("results.db", "coordinator.lock"));
  // And a copy of that one file is complete.
  const Folder other;
  std::filesystem::copy_file(folder_.database(), other.database());
  EXPECT_EQ(store::One(other.database(), "SELECT count(*) FROM trials"), "2");
}

TEST_F(StoreTest, AReaderWhoStaysIsTold) {
  Fill();
  SQLite::Database reader(folder_.database(), SQLite::OPEN_READONLY);
  reader.exec("BEGIN");
  reader.execAndGet("SELECT count(*) FROM sweeps");
  ASSERT_TRUE(Write([](Transaction& t) { return t.InsertSweep(MakeSweep("s-2", "other")); }).ok());
  const Status status = store_->Close();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("results.db-wal holds part of the data"));
  EXPECT_EQ(store::One(folder_.database(), "SELECT count(*) FROM sweeps"), "2");  // nothing is lost
}

TEST_F(StoreTest, ClosedIsClosed) {
  Fill();
  ASSERT_TRUE(store_->Close().ok());
  EXPECT_TRUE(store_->Close().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Write([](Transaction&) { return absl::OkStatus(); })));
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->Load().status()));
}

TEST_F(StoreTest, AKilledWriterLosesNothingCommitted) {
  Fill();
  // The files as a power cut would leave them: no Close, no checkpoint.
  const Folder other;
  std::filesystem::copy_file(folder_.database(), other.database());
  std::filesystem::copy_file(folder_.database() + "-wal", other.database() + "-wal");
  auto opened = Store::Open(other.path(), {.build = "test", .vfs = ""});
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->Load()->trials.size(), 2u);
}

TEST(NetworkFilesystemTest, IsKnownByItsNumberOrItsMount) {
  EXPECT_EQ(NetworkFilesystem(0x6969, ""), "NFS");
  EXPECT_EQ(NetworkFilesystem(0xFF534D42, ""), "CIFS");
  EXPECT_EQ(NetworkFilesystem(0xFFFFFFFFFF534D42, ""), "CIFS");  // where the field is signed
  EXPECT_EQ(NetworkFilesystem(0x0BD00BD0, "lustre"), "Lustre");
  EXPECT_EQ(NetworkFilesystem(0x65735546, "fuse.sshfs"), "FUSE sshfs");
  EXPECT_EQ(NetworkFilesystem(0x65735546, "fuse.fuse-overlayfs"), std::nullopt);  // a container's own disk
  EXPECT_EQ(NetworkFilesystem(0xEF53, "ext4"), std::nullopt);
  EXPECT_EQ(NetworkFilesystem(0x01021994, "tmpfs"), std::nullopt);
  const Folder folder;
  EXPECT_TRUE(RefuseNetworkFilesystem(folder.path()).ok());
}

}  // namespace
}  // namespace lorikeet::store
