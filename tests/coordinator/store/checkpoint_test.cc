// When pages leave the WAL: with readers, without, and at an end of any kind.
#include "tests/coordinator/store/workload.h"

namespace lorikeet::store {
namespace {

constexpr std::int64_t kPages = 20, kPageBytes = 4096 + 24;  // with a frame's head

class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = machine_.Open();
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    Write(1);
  }
  void Write(int writes) {
    for (int i = 0; i < writes; ++i) {
      core::Worker worker = MakeWorker(fmt::format("w-{}", ++workers_));
      worker.hostname = std::string(5000, 'h');
      const Status status = store_->Write([&](Transaction& t) { return t.UpsertWorker(worker); });
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  std::int64_t WalPages() const { return machine_.disk.SizeOf(machine_.database() + "-wal") / kPageBytes; }
  SQLite::Database Reader() const {
    SQLite::Database reader(machine_.database(), SQLite::OPEN_READONLY, 0, machine_.vfs().name());
    reader.exec("BEGIN");
    EXPECT_EQ(reader.execAndGet("SELECT count(*) FROM workers").getInt(), workers_);
    return reader;
  }

  Machine machine_{1, kPages};
  std::unique_ptr<Store> store_;
  int workers_ = 0;
};

TEST_F(CheckpointTest, TheWalStartsOverWhenNobodyReads) {
  const auto before = machine_.disk.SizeOf(machine_.database());
  Write(200);
  EXPECT_LT(WalPages(), 2 * kPages + 200);  // what the making of the database left, once, is among it
  const std::int64_t highest = WalPages();
  Write(200);
  EXPECT_LE(WalPages(), highest);
  EXPECT_GT(machine_.disk.SizeOf(machine_.database()), before);
}

TEST_F(CheckpointTest, AReaderWhoStaysLetsTheWalGrowAndItIsCutAfterwards) {
  {
    const SQLite::Database reader = Reader();
    Write(200);
    EXPECT_GT(WalPages(), 16 * kPages);
  }
  Write(20);
  EXPECT_LT(WalPages(), 4 * kPages);
}

TEST_F(CheckpointTest, WithoutCloseTheWalStays) {
  Write(3);
  const auto syncs = machine_.disk.count(Operation::kSync);
  const auto writes = machine_.disk.count(Operation::kWrite);
  const auto pages = WalPages();
  ASSERT_GT(pages, 0);
  store_.reset();
  EXPECT_EQ(WalPages(), pages);
  EXPECT_EQ(machine_.disk.count(Operation::kSync), syncs);
  EXPECT_EQ(machine_.disk.count(Operation::kWrite), writes);
}

TEST_F(CheckpointTest, AFullDiskLeavesThemInTheWalUntilThereIsRoom) {
  // The file is full, the WAL is not.
  machine_.disk.Follow([&](const Request& request) {
    const bool grows = request.operation == Operation::kWrite && request.file == machine_.database();
    return grows ? Fault::kFull : Fault::kNone;
  });
  Write(60);
  EXPECT_GT(machine_.disk.faults(), 1);
  EXPECT_GT(WalPages(), 4 * kPages);
  const Status closed = [&] {
    auto other = std::move(store_);
    return other->Close();
  }();
  EXPECT_TRUE(absl::IsResourceExhausted(closed)) << closed;
  machine_.disk.Follow({});
  auto opened = machine_.Open();
  ASSERT_TRUE(opened.ok()) << opened.status();
  store_ = *std::move(opened);
  EXPECT_EQ(store_->Load()->workers.size(), 61u);
  Write(1);
  EXPECT_EQ(WalPages(), 0);
}

TEST_F(CheckpointTest, OneThatFailsIsFoundOutAtTheNextWrite) {
  machine_.disk.Follow([&](const Request& request) {
    const bool file = request.operation == Operation::kSync && request.file == machine_.database();
    return file ? Fault::kError : Fault::kNone;
  });
  Status status;
  std::size_t done = 1;
  while (done < 100 && status.ok()) {
    status =
        store_->Write([&](Transaction& t) { return t.UpsertWorker(MakeWorker(fmt::format("v-{}", done))); });
    if (status.ok()) ++done;
  }
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_THAT(Message(status), ::testing::HasSubstr("checkpoint"));
  EXPECT_EQ(machine_.disk.faults(), 1);
  EXPECT_EQ(store_->Load()->workers.size(), done);  // what was told to be written is
}

TEST_F(CheckpointTest, AWriteDoesNotWaitForAnotherProgramsLock) {
  SQLite::Database other(machine_.database(), SQLite::OPEN_READWRITE, 0, machine_.vfs().name());
  other.exec("BEGIN IMMEDIATE");
  const auto slept = machine_.vfs().slept();
  bool called = false;
  const auto write = [&] {
    return store_->Write([&](Transaction& t) {
      called = true;
      return t.UpsertWorker(MakeWorker("w-2"));
    });
  };
  const Status status = write();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(Message(status), ::testing::HasSubstr("another program has the database locked"));
  EXPECT_FALSE(called);
  EXPECT_EQ(machine_.vfs().slept(), slept);
  other.exec("COMMIT");
  EXPECT_TRUE(write().ok());
  EXPECT_EQ(store_->Load()->workers.size(), 2u);
}

}  // namespace
}  // namespace lorikeet::store
