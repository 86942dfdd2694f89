// The power goes at every write and every sync of a store's life, and what was acknowledged is there
// afterwards.
#include "tests/coordinator/store/workload.h"

namespace lorikeet::store {
namespace {

// Opens the store after a fault and holds it to `reference`: whole, with `done` writes in it or one more,
// and able to go on.
void ExpectWhole(Machine& machine, const Reference& reference, std::size_t done) {
  auto store = machine.Open();
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_EQ(machine.Damage(), "");
  const std::string rows = machine.Rows();
  if (done < reference.workload.size() && rows == reference.rows[done + 1]) ++done;
  ASSERT_EQ(rows, reference.rows[done]) << "after " << done << " writes";
  if (done == reference.workload.size()) return;
  const Status next = (*store)->Write(reference.workload[done]);
  ASSERT_TRUE(next.ok()) << next;
  ASSERT_EQ(machine.Rows(), reference.rows[done + 1]);
}

// The store's life as far as it comes: how many writes returned OK. Ends with a clean stop where all did.
std::size_t Live(Machine& machine, const Reference& reference) {
  auto store = machine.Open();
  if (!store.ok()) return 0;
  for (std::size_t i = 0; i < reference.workload.size(); ++i) {
    if (!(*store)->Write(reference.workload[i]).ok()) return i;
  }
  [[maybe_unused]] const Status closed = (*store)->Close();
  return reference.workload.size();
}

// Cuts the power at change `at`; whether the life was that long.
bool CutAt(const Reference& reference, std::int64_t at, std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("cut at change {} with seed {}", at, seed));
  Machine machine(seed, reference.checkpoint_pages, reference.files);
  machine.disk.Follow(FaultAt(Fault::kPowerCut, kChanges, at));
  const std::size_t done = Live(machine, reference);
  const bool cut = !machine.disk.powered();
  machine.disk.PowerOn();
  machine.disk.Follow({});
  ExpectWhole(machine, reference, done);
  return cut;
}

TEST(PowerCutTest, AtAnyMomentOfAShortLife) {
  const Reference reference = MakeReference(MakeWorkload(2, 4, 600), 12);
  std::int64_t at = 1;
  while (CutAt(reference, at, static_cast<std::uint64_t>(at)) && !::testing::Test::HasFatalFailure()) ++at;
  EXPECT_GT(at, 100);
}

TEST(PowerCutTest, AtSomeMomentsOfALongerLife) {
  // Transactions larger than SQLite's cache, so that pages reach the WAL before the commit.
  const Reference reference = MakeReference(MakeWorkload(2, 120, 25'000), 200);
  std::int64_t changes = 0;
  {
    Machine whole(1, reference.checkpoint_pages, reference.files);
    ASSERT_EQ(Live(whole, reference), reference.workload.size());
    for (const Operation operation : kChanges) changes += whole.disk.count(operation);
  }
  std::mt19937_64 dice(7);
  for (std::uint64_t seed = 0; seed < 12 && !HasFatalFailure(); ++seed) {
    CutAt(reference, 1 + static_cast<std::int64_t>(dice() % static_cast<std::uint64_t>(changes)), seed);
  }
}

TEST(PowerCutTest, WhileTheDatabaseIsMade) {
  const Reference reference = MakeReference(MakeWorkload(1, 1, 100), 12);
  const Moments moments = MomentsWhileMade();
  bool cut = true;
  std::int64_t at = moments.from;
  for (; cut && !HasFatalFailure(); at += moments.every) {
    SCOPED_TRACE(at);
    Machine machine(static_cast<std::uint64_t>(at), reference.checkpoint_pages);
    machine.disk.Follow(FaultAt(Fault::kPowerCut, kChanges, at));
    const Status made = machine.Open().status();
    EXPECT_EQ(made.ok(), machine.disk.powered()) << made;
    cut = !machine.disk.powered();
    machine.disk.PowerOn();
    machine.disk.Follow({});
    ExpectWhole(machine, reference, 0);
  }
  EXPECT_GT(at, 50);
}

}  // namespace
}  // namespace lorikeet::store
