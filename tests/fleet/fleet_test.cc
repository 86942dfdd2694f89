// Histories of a fleet under faults, from seeds: whatever happens, the promises hold, and left alone it ends.
// The same with a rule broken on purpose: then somebody notices.
//
// FLEET_SEED=7 FLEET_HISTORIES=1 fleet_tests --gtest_filter=*KeepsItsPromises runs one history again, and
// prints its end where a promise broke; FLEET_HISTORIES=10000 runs as many from that seed on.
#include "tests/fleet/fleet.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>

namespace lorikeet::fleet {
namespace {

#ifdef LORIKEET_FEW_HISTORIES
constexpr std::int64_t kHistories = 10, kFreshHistories = 3;
#else
constexpr std::int64_t kHistories = 60, kFreshHistories = 20;
#endif

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

// What must happen in histories, by its event: else it is not tried.
constexpr std::array kWanted = {"quarantined", "readmitted", "barred",  "unbarred", "slot_quarantined",
                                "paused",      "resumed",    "retried", "drained",  "undrained",
                                "cancelled",   "pruned",     "lost",    "found",    "adapter"};
using Seen = std::map<std::string, std::int64_t>;

void RunHistory(std::uint64_t seed, Seen& seen) {
  const Scratch scratch;
  Fleet fleet({.seed = seed, .folder = scratch.path(), .rules = {}, .keep_notes = true});
  std::string broken;
  try {
    broken = fleet.Run();
    EXPECT_GT(fleet.faults(), 20);
    EXPECT_GT(fleet.Scores().size(), 3U) << "seed " << seed;
    for (const char* event : kWanted) seen[event] += fleet.Count(event);
  } catch (const std::exception& error) {  // the database cannot be read
    broken = error.what();
  }
  if (broken.empty()) return;
  ADD_FAILURE() << "seed " << seed << ": " << broken;
  const auto& notes = fleet.world().notes();
  for (std::size_t i = notes.size() > 40 ? notes.size() - 40 : 0; i < notes.size(); ++i)
    std::cerr << notes[i] << "\n";
}

TEST(FleetTest, KeepsItsPromises) {
  const auto first = static_cast<std::uint64_t>(Setting("FLEET_SEED", 1));
  const std::int64_t count = Setting("FLEET_HISTORIES", kHistories);
  Seen seen;
  for (std::int64_t i = 0; i < count && !HasFailure(); ++i) {
    RunHistory(first + static_cast<std::uint64_t>(i), seen);
    if ((i + 1) % 100 == 0)
      std::cerr << i + 1 << " of " << count << " histories, from seed " << first << "\n";
  }
  if (count >= 60) {
    for (const char* event : kWanted) EXPECT_GT(seen[event], 0) << event;
  }
}

TEST(FleetTest, KeepsItsPromisesOnSeedsThatNobodyHasSeen) {
  std::random_device random;
  Seen seen;
  for (int i = 0; i < kFreshHistories && !HasFailure(); ++i) {
    const std::uint64_t seed = random();
    std::cerr << "seed " << seed << "\n";  // before it, for what ends the process
    RunHistory(seed, seen);
  }
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
  EXPECT_EQ(fleet.Scores().size(), 9U + 8U + 4U + 3U);
}

// How many of so many histories it takes until a broken rule is noticed.
void ExpectNoticed(const Rules& rules) {
  constexpr std::uint64_t kTries = 12;
  for (std::uint64_t seed = 1; seed <= kTries; ++seed) {
    const Scratch scratch;
    Fleet fleet({.seed = seed, .folder = scratch.path(), .rules = rules});
    if (!fleet.Run().empty()) return;
  }
  ADD_FAILURE() << "nobody noticed in " << kTries << " histories";
}

TEST(FleetMutationTest, TokensThatNobodyChecks) { ExpectNoticed({.check_tokens = false}); }
TEST(FleetMutationTest, AnAcknowledgementBeforeTheCommit) { ExpectNoticed({.commit_before_ack = false}); }
TEST(FleetMutationTest, FilesThatNobodyCompares) { ExpectNoticed({.compare_files = false}); }
TEST(FleetMutationTest, ARestartThatForgetsALease) { ExpectNoticed({.reload_every_lease = false}); }

}  // namespace
}  // namespace lorikeet::fleet
