// Histories of a fleet under faults, from seeds: whatever happens, the promises hold, and left alone it ends.
// The same with a rule broken on purpose: then somebody notices.
//
// FLEET_SEED=7 FLEET_HISTORIES=1 fleet_tests --gtest_filter=*KeepsItsPromises runs one history again, and
// prints its end where a promise broke; FLEET_HISTORIES=10000 runs as many from that seed on.
#include "tests/fleet/fleet.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <filesystem>
#include <random>

namespace lorikeet::fleet {
namespace {

// In memory where there is a place for that: what is synced a thousand times need not wait for a disk.
class Scratch {
 public:
  Scratch() {
    spdlog::set_level(spdlog::level::off);  // what a fleet of workers has to say of its accidents
    const bool memory = std::filesystem::is_directory("/dev/shm");
    std::string pattern = (memory ? std::string("/dev/shm/") : ::testing::TempDir()) + "fleet.XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::int64_t Setting(const char* name, std::int64_t otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::atoll(given) : otherwise;
}

// What happened in histories: else it is not tried.
struct Seen {
  std::int64_t quarantined = 0, barred = 0, unbarred = 0, slots = 0;
};

void RunHistory(std::uint64_t seed, Seen& seen) {
  const Scratch scratch;
  Fleet fleet({.seed = seed, .folder = scratch.path(), .rules = {}, .keep_notes = true});
  const std::string broken = fleet.Run();
  EXPECT_GT(fleet.faults(), 20);
  EXPECT_GT(fleet.Scores().size(), 3U) << "seed " << seed;
  seen.quarantined += fleet.Count("quarantined");
  seen.barred += fleet.Count("barred");
  seen.unbarred += fleet.Count("unbarred");
  seen.slots += fleet.Count("slot_quarantined");
  if (broken.empty()) return;
  ADD_FAILURE() << "seed " << seed << ": " << broken;
  const auto& notes = fleet.world().notes();
  for (std::size_t i = notes.size() > 40 ? notes.size() - 40 : 0; i < notes.size(); ++i)
    std::cerr << notes[i] << "\n";
}

TEST(FleetTest, KeepsItsPromises) {
  const auto first = static_cast<std::uint64_t>(Setting("FLEET_SEED", 1));
  const std::int64_t count = Setting("FLEET_HISTORIES", 20);
  Seen seen;
  for (std::int64_t i = 0; i < count && !HasFailure(); ++i)
    RunHistory(first + static_cast<std::uint64_t>(i), seen);
  if (count >= 20) {
    EXPECT_GT(seen.quarantined, 0);
    EXPECT_GT(seen.barred, 0);
    EXPECT_GT(seen.unbarred, 0);
    EXPECT_GT(seen.slots, 0);
  }
}

TEST(FleetTest, KeepsItsPromisesOnSeedsThatNobodyHasSeen) {
  std::random_device random;
  Seen seen;
  for (int i = 0; i < 5 && !HasFailure(); ++i) RunHistory(random(), seen);
}

TEST(FleetTest, ASeedIsAHistory) {
  std::uint64_t traces[3] = {};
  for (int i = 0; i < 3; ++i) {
    const Scratch scratch;
    Fleet fleet({.seed = i < 2 ? 7U : 8U, .folder = scratch.path(), .rules = {}});
    fleet.Run();
    traces[i] = fleet.world().trace();
  }
  EXPECT_EQ(traces[0], traces[1]);
  EXPECT_NE(traces[0], traces[2]);
}

TEST(FleetTest, UndisturbedItHasEveryResult) {
  const Scratch scratch;
  Fleet fleet({.seed = 3, .folder = scratch.path(), .rules = {}, .faults = false});
  EXPECT_EQ(fleet.Run(), "");
  EXPECT_EQ(fleet.Scores().size(), 9U + 8U + 4U);
}

// How many of so many histories it takes until a broken rule is noticed.
void ExpectNoticed(const Rules& rules) {
  constexpr std::uint64_t kHistories = 12;
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    const Scratch scratch;
    Fleet fleet({.seed = seed, .folder = scratch.path(), .rules = rules});
    if (!fleet.Run().empty()) return;
  }
  ADD_FAILURE() << "nobody noticed in " << kHistories << " histories";
}

TEST(FleetMutationTest, TokensThatNobodyChecks) { ExpectNoticed({.check_tokens = false}); }
TEST(FleetMutationTest, AnAcknowledgementBeforeTheCommit) { ExpectNoticed({.commit_before_ack = false}); }
TEST(FleetMutationTest, FilesThatNobodyCompares) { ExpectNoticed({.compare_files = false}); }
TEST(FleetMutationTest, ARestartThatForgetsALease) { ExpectNoticed({.reload_every_lease = false}); }

}  // namespace
}  // namespace lorikeet::fleet
