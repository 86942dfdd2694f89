// The disk refuses, at every request of a store's life: what the store does then, and what is in the file.
#include "tests/coordinator/store/workload.h"

namespace lorikeet::store {
namespace {

using ::testing::HasSubstr;

constexpr int kTrials = 2, kDocuments = 4;
constexpr std::int64_t kPages = 12;

class FaultsTest : public ::testing::Test {
 protected:
  const Reference reference_ = MakeReference(MakeWorkload(kTrials, kDocuments, 600), kPages);

  std::size_t writes() const { return reference_.workload.size(); }

  // After everything else: the file is whole, with `done` writes in it or one more, and takes the next one.
  void ExpectWhole(Machine& machine, std::size_t done) {
    auto store = machine.Open();
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_EQ(machine.Damage(), "");
    const std::string rows = machine.Rows();
    if (done < writes() && rows == reference_.rows[done + 1]) ++done;
    ASSERT_EQ(rows, reference_.rows[done]) << "after " << done << " writes";
    if (done == writes()) return;
    ASSERT_TRUE((*store)->Write(reference_.workload[done]).ok());
    ASSERT_EQ(machine.Rows(), reference_.rows[done + 1]);
  }

  // One fault at the `at`-th of `operations`, while the store writes; the power may go after it. Whether the
  // life was that long.
  bool BreakAt(Fault fault, std::vector<Operation> operations, std::int64_t at, bool power_cut) {
    SCOPED_TRACE(fmt::format("fault at request {}", at));
    Machine machine(static_cast<std::uint64_t>(at), kPages, reference_.files);
    auto store = machine.Open();
    EXPECT_TRUE(store.ok()) << store.status();
    machine.disk.Follow(FaultAt(fault, std::move(operations), at));
    std::size_t done = 0;
    Status status;
    while (done < writes() && status.ok() && machine.disk.faults() == 0) {
      status = (*store)->Write(reference_.workload[done]);
      if (status.ok()) ++done;
    }
    const bool broken = machine.disk.faults() > 0;
    if (broken) {
      EXPECT_TRUE(status.ok() || absl::IsInternal(status)) << status;
      bool called = false;
      const Status next = (*store)->Write([&](Transaction&) {
        called = true;
        return absl::OkStatus();
      });
      EXPECT_TRUE(absl::IsInternal(next)) << next;
      EXPECT_THAT(Message(next), HasSubstr("nothing is written any more"));
      EXPECT_FALSE(called);
      // Closed as a fault closes it, or as a program does that does not care.
      EXPECT_TRUE(at % 2 == 0 || absl::IsInternal((*store)->Close()));
    }
    store->reset();
    EXPECT_EQ(machine.disk.changes_since_fault(), 0) << "the disk was asked again";
    if (power_cut) {
      machine.disk.CutPower();
      machine.disk.PowerOn();
    }
    machine.disk.Follow({});
    ExpectWhole(machine, done);
    return broken;
  }
  // A process that could not sync ends, the next one goes on from what the kernel shows it, and then the
  // power goes. Whether the life was that long.
  bool LosePowerAfterAStartAt(std::int64_t at) {
    SCOPED_TRACE(fmt::format("fault at sync {}", at));
    Machine machine(static_cast<std::uint64_t>(at), kPages, reference_.files);
    auto store = machine.Open();
    machine.disk.Follow(FaultAt(Fault::kError, {Operation::kSync}, at));
    for (std::size_t i = 0; i < writes() && (*store)->Write(reference_.workload[i]).ok(); ++i) {
    }
    const bool broken = machine.disk.faults() > 0;
    store->reset();
    machine.disk.Follow({});
    store = machine.Open();
    EXPECT_TRUE(store.ok()) << store.status();
    const auto found = std::find(reference_.rows.begin(), reference_.rows.end(), machine.Rows());
    std::size_t done = static_cast<std::size_t>(found - reference_.rows.begin());
    EXPECT_LE(done, writes());
    if (done < writes() && (*store)->Write(reference_.workload[done]).ok()) ++done;
    store->reset();
    machine.disk.CutPower();
    machine.disk.PowerOn();
    store = machine.Open();
    EXPECT_TRUE(store.ok()) << store.status();
    EXPECT_EQ(machine.Damage(), "");
    EXPECT_TRUE(machine.Rows() == reference_.rows[done]) << "an acknowledged write is gone";
    return broken;
  }
  void BreakAtEvery(Fault fault, const std::vector<Operation>& operations, bool power_cut, int least,
                    int step = 1) {
    std::int64_t at = 1;
    while (BreakAt(fault, operations, at, power_cut) && !HasFailure()) at += step;
    EXPECT_GT(at, least);
  }
};

TEST_F(FaultsTest, AnErrorAtAnyRequestIsFinal) {
  BreakAtEvery(Fault::kError,
               {Operation::kOpen, Operation::kRead, Operation::kWrite, Operation::kTruncate,
                Operation::kDelete, Operation::kMap},
               false, 100);
}

TEST_F(FaultsTest, AFailedSyncIsFinalAndNeverTriedAgain) {
  BreakAtEvery(Fault::kError, {Operation::kSync}, false, 15);
  BreakAtEvery(Fault::kError, {Operation::kSync}, true, 15);
}

TEST_F(FaultsTest, WhatAFailedSyncLeftIsWrittenAgainAtTheNextStart) {
  std::int64_t at = 1;
  while (LosePowerAfterAStartAt(at)) ++at;
  EXPECT_GT(at, 10);
}

TEST_F(FaultsTest, AShortWriteIsFinal) {
  BreakAtEvery(Fault::kShort, {Operation::kWrite}, true, 100, /*step=*/3);
}

// A disk that says it has synced what it has not, and then loses power. Of commits, whole ones are lost then,
// the last ones, down to what was synced later. Of a checkpoint SQLite promises nothing any more: the WAL is
// written over that could mend the file. Most such files do not open or are found damaged, and a few hold
// half of a write without anybody seeing it; so there is nothing to hold the store to.
TEST_F(FaultsTest, ALostSyncOfTheWalLosesWholeWrites) {
  std::size_t lost = 0;
  bool reached = true;
  for (std::int64_t at = 1; reached; ++at) {
    SCOPED_TRACE(at);
    Machine machine(static_cast<std::uint64_t>(at), /*checkpoint_pages=*/1000, reference_.files);
    auto store = machine.Open();
    machine.disk.Follow(FaultAt(Fault::kLost, {Operation::kSync}, at, /*times=*/2));
    std::size_t done = 0;
    while (done < writes() && machine.disk.faults() < 2 && (*store)->Write(reference_.workload[done]).ok()) {
      ++done;
    }
    reached = machine.disk.faults() > 0;
    store->reset();
    machine.disk.CutPower();
    machine.disk.PowerOn();
    machine.disk.Follow({});
    store = machine.Open();
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_EQ(machine.Damage(), "");
    const std::string rows = machine.Rows();
    std::size_t kept = 0;
    while (kept < done && rows != reference_.rows[kept]) ++kept;
    ASSERT_EQ(rows, reference_.rows[kept]);
    lost += done - kept;
  }
  EXPECT_GT(lost, 0u);
}

// No room for `times` writes from the `at`-th on. Whether the life was that long.
bool FillAt(const Reference& reference, std::int64_t at, std::int64_t times) {
  SCOPED_TRACE(fmt::format("full at write {} for {}", at, times));
  Machine machine(static_cast<std::uint64_t>(at), reference.checkpoint_pages, reference.files);
  auto store = machine.Open();
  EXPECT_TRUE(store.ok()) << store.status();
  machine.disk.Follow(FaultAt(Fault::kFull, {Operation::kWrite}, at, times));
  for (std::size_t i = 0; i < reference.workload.size(); ++i) {
    Status status;
    int tries = 0;
    while (!(status = (*store)->Write(reference.workload[i])).ok() && ++tries <= times) {
      EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
      EXPECT_THAT(Message(status), HasSubstr("the disk is full"));
      EXPECT_EQ(machine.Rows(), reference.rows[i]);
    }
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(machine.Rows(), reference.rows.back());
  const bool full = machine.disk.faults() > 0;
  machine.disk.Follow({});
  store->reset();
  machine.disk.CutPower();
  machine.disk.PowerOn();
  store = machine.Open();
  EXPECT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(machine.Damage(), "");
  EXPECT_EQ(machine.Rows(), reference.rows.back());
  return full;
}

TEST_F(FaultsTest, AFullDiskFailsWritesUntilThereIsRoom) {
  std::int64_t at = 1;
  while (FillAt(reference_, at, 1 + at % 4) && !HasFailure()) ++at;
  EXPECT_GT(at, 100);
}

TEST_F(FaultsTest, AFullDiskInAWriteLargerThanTheCache) {
  const Reference large = MakeReference(MakeWorkload(2, 120, 25'000), 200);
  for (std::int64_t at = 1; at < 3000 && !HasFailure(); at += 701) FillAt(large, at, 2);
}

// A caller that goes on after a failure of the machine's, and says that all is well.
TEST_F(FaultsTest, NothingIsWrittenAfterAFailureInsideAWrite) {
  const Reference large = MakeReference(MakeWorkload(1, 120, 25'000), 200);
  for (const Fault fault : {Fault::kFull, Fault::kError}) {
    Machine machine(1, large.checkpoint_pages, large.files);
    auto store = machine.Open();
    ASSERT_TRUE((*store)->Write(large.workload[0]).ok());
    ASSERT_TRUE((*store)->Write(large.workload[1]).ok());
    machine.disk.Follow(FaultAt(fault, {Operation::kWrite}, machine.disk.faults() + 3));
    Status part, after;
    const Status status = (*store)->Write([&](Transaction& t) -> Status {
      part = t.Part([&]() -> Status {
        [[maybe_unused]] const Status lost = large.workload[2](t);
        return absl::OkStatus();
      });
      after = t.UpsertWorker(MakeWorker("w-2"));
      return absl::OkStatus();
    });
    EXPECT_EQ(machine.disk.faults(), 1);
    EXPECT_EQ(status.code(), part.code());
    EXPECT_EQ(after, part);
    EXPECT_EQ(absl::IsResourceExhausted(status), fault == Fault::kFull) << status;
    EXPECT_EQ(absl::IsInternal(status), fault == Fault::kError) << status;
    EXPECT_EQ(machine.Rows(), large.rows[2]);
    EXPECT_EQ((*store)->Write(large.workload[2]).ok(), fault == Fault::kFull);
  }
}

// This disk has no place for temporary files: one that is asked for is an error.
TEST_F(FaultsTest, APartThatChangesManyPagesNeedsNoOtherFilesystem) {
  Machine machine(1, 1000);
  auto store = machine.Open();
  const auto write_all = [&](char letter) {
    return (*store)->Write([&](Transaction& t) {
      return t.Part([&]() -> Status {
        for (int i = 0; i < 200; ++i) {
          core::Worker worker = MakeWorker(fmt::format("w-{}", i));
          worker.hostname = std::string(3000, letter);
          RETURN_IF_ERROR(t.UpsertWorker(worker));
        }
        return absl::OkStatus();
      });
    });
  };
  ASSERT_TRUE(write_all('a').ok());
  const Status status = write_all('b');
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(FaultsTest, AnyFaultWhileTheDatabaseIsMadeLeavesOneThatOpens) {
  const Moments moments = MomentsWhileMade();
  for (const Fault fault : {Fault::kError, Fault::kFull}) {
    std::vector<Operation> operations = {Operation::kWrite};
    if (fault == Fault::kError) operations = {Operation::kOpen, Operation::kWrite, Operation::kSync};
    bool failed = true;
    std::int64_t tried = 0;
    for (std::int64_t at = moments.from; failed && !HasFatalFailure(); at += moments.every) {
      SCOPED_TRACE(at);
      ++tried;
      Machine machine(static_cast<std::uint64_t>(at), kPages);
      machine.disk.Follow(FaultAt(fault, operations, at));
      const Status status = machine.Open().status();
      failed = machine.disk.faults() > 0;
      const bool right = fault == Fault::kFull ? absl::IsResourceExhausted(status) : !status.ok();
      EXPECT_TRUE(right || !failed) << status;
      machine.disk.Follow({});
      ExpectWhole(machine, 0);
    }
    EXPECT_GT(tried * moments.every, 50);
  }
}

}  // namespace
}  // namespace lorikeet::store
