#include "coordinator/scheduler/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "coordinator/scheduler/waiting.h"

namespace lorikeet::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const SteadyTime kNow{std::chrono::hours(1)};

Slot CpuSlot(std::int64_t index) {
  return {.index = index, .gpu = false, .memory_bytes = 0, .attempt_id = ""};
}
Slot GpuSlot(std::int64_t index, std::int64_t memory = 0) {
  return {.index = index, .gpu = true, .memory_bytes = memory, .attempt_id = ""};
}

class PlanTest : public ::testing::Test {
 protected:
  void AddWorker(const std::string& id, std::vector<Slot> slots) {
    fleet_[id] = {.id = id, .draining = false, .slots = std::move(slots)};
  }
  void AddTrial(const std::string& sweep, std::int64_t position, Demand demand = {},
                const std::string& last = "", SteadyTime ready_at = kNow) {
    queue_.Put({.trial_id = sweep + "/" + std::to_string(position),
                .sweep_id = sweep,
                .position = position,
                .demand = demand,
                .last_worker_id = last,
                .ready_at = ready_at},
               kNow);
  }
  static Demand Labelled(const Labels& labels, std::int64_t slots = 1) {
    return {.slots = slots, .labels = std::make_shared<const Labels>(labels)};
  }
  // "trial@worker:slots", in order.
  std::vector<std::string> PlanText() const {
    std::vector<std::string> text;
    for (const Grant& grant : Plan(queue_, fleet_)) {
      std::string line = grant.trial_id + "@" + grant.worker_id + ":";
      for (const std::int64_t slot : grant.slots) line += std::to_string(slot);
      text.push_back(line);
    }
    return text;
  }
  // As the service does it.
  void Apply() {
    for (const Grant& grant : Plan(queue_, fleet_)) {
      queue_.Remove(grant.trial_id);
      queue_.Served(grant.sweep_id);
      for (Slot& slot : fleet_.at(grant.worker_id).slots) {
        if (std::find(grant.slots.begin(), grant.slots.end(), slot.index) != grant.slots.end()) {
          slot.attempt_id = grant.trial_id;
        }
      }
    }
  }
  std::string Why(const std::string& trial) const {
    return Waiting(queue_, fleet_, kNow).Why(*queue_.Find(trial));
  }

  Queue queue_;
  Fleet fleet_;
};

TEST_F(PlanTest, NothingToDo) {
  EXPECT_THAT(PlanText(), IsEmpty());
  AddTrial("a", 0);
  EXPECT_THAT(PlanText(), IsEmpty());
  queue_.Remove("a/0");
  AddWorker("w", {CpuSlot(0)});
  EXPECT_THAT(PlanText(), IsEmpty());
}

TEST_F(PlanTest, ByPositionOneGrantASlot) {
  for (const std::int64_t position : {2, 0, 10, 1}) AddTrial("a", position);
  AddWorker("w", {CpuSlot(0), CpuSlot(1), CpuSlot(2)});
  EXPECT_THAT(PlanText(), ElementsAre("a/0@w:0", "a/1@w:1", "a/2@w:2"));
}

TEST_F(PlanTest, PlanningChangesNothing) {
  AddTrial("a", 0);
  AddTrial("b", 0);
  AddWorker("w", {CpuSlot(0)});
  EXPECT_EQ(PlanText(), PlanText());
  EXPECT_EQ(queue_.size(), 2U);
}

TEST_F(PlanTest, BusyAndDrainingGetNothing) {
  AddTrial("a", 0);
  AddWorker("w", {CpuSlot(0), CpuSlot(1)});
  fleet_["w"].slots[0].attempt_id = "a-1";
  EXPECT_THAT(PlanText(), ElementsAre("a/0@w:1"));
  fleet_["w"].draining = true;
  EXPECT_THAT(PlanText(), IsEmpty());
  fleet_["w"].draining = false;
  fleet_["w"].quarantined = true;
  EXPECT_THAT(PlanText(), IsEmpty());
}

TEST_F(PlanTest, SpreadsOverWorkers) {
  for (int i = 0; i < 3; ++i) AddTrial("a", i);
  AddWorker("v", {CpuSlot(0), CpuSlot(1)});
  AddWorker("w", {CpuSlot(0), CpuSlot(1)});
  EXPECT_THAT(PlanText(), ElementsAre("a/0@v:0", "a/1@w:0", "a/2@v:1"));
}

TEST_F(PlanTest, SweepsTakeTurns) {
  for (int i = 0; i < 4; ++i) AddTrial("a", i);
  for (int i = 0; i < 2; ++i) AddTrial("b", i);
  AddWorker("w", {CpuSlot(0), CpuSlot(1), CpuSlot(2), CpuSlot(3), CpuSlot(4)});
  EXPECT_THAT(PlanText(), ElementsAre("a/0@w:0", "b/0@w:1", "a/1@w:2", "b/1@w:3", "a/2@w:4"));
}

TEST_F(PlanTest, TurnsAreRememberedFromOnePlanToTheNext) {
  for (int i = 0; i < 3; ++i) AddTrial("a", i);
  for (int i = 0; i < 3; ++i) AddTrial("b", i);
  AddWorker("w", {CpuSlot(0)});
  std::string order;
  for (int i = 0; i < 6; ++i) {
    order += Plan(queue_, fleet_).at(0).sweep_id;
    Apply();
    fleet_["w"].slots[0].attempt_id.clear();
  }
  EXPECT_EQ(order, "ababab");
}

TEST_F(PlanTest, BacksOffUntilWoken) {
  AddTrial("a", 0, {}, "", kNow + std::chrono::seconds(30));
  AddTrial("a", 1);
  AddWorker("w", {CpuSlot(0), CpuSlot(1)});
  EXPECT_THAT(PlanText(), ElementsAre("a/1@w:0"));
  queue_.Wake(kNow + std::chrono::seconds(29));
  EXPECT_THAT(PlanText(), ElementsAre("a/1@w:0"));
  queue_.Wake(kNow + std::chrono::seconds(30));
  EXPECT_THAT(PlanText(), ElementsAre("a/0@w:0", "a/1@w:1"));
}

TEST_F(PlanTest, RemovesWhatBacksOff) {
  AddTrial("a", 0, {}, "", kNow + std::chrono::seconds(30));
  queue_.Remove("a/0");
  queue_.Wake(kNow + std::chrono::minutes(1));
  AddWorker("w", {CpuSlot(0)});
  EXPECT_THAT(PlanText(), IsEmpty());
  EXPECT_TRUE(queue_.sweeps().empty());
}

TEST_F(PlanTest, PrefersTheWorkerWithTheCheckpoint) {
  AddTrial("a", 0, {}, "w");
  AddWorker("v", {CpuSlot(0), CpuSlot(1)});
  AddWorker("w", {CpuSlot(0)});
  EXPECT_THAT(PlanText(), ElementsAre("a/0@w:0"));
}

TEST_F(PlanTest, DoesNotWaitForTheWorkerWithTheCheckpoint) {
  AddTrial("a", 0, {}, "w");
  AddWorker("v", {CpuSlot(0)});
  AddWorker("w", {CpuSlot(0)});
  fleet_["w"].slots[0].attempt_id = "a-1";
  EXPECT_THAT(PlanText(), ElementsAre("a/0@v:0"));
}

TEST_F(PlanTest, GpusForThoseThatNeedThem) {
  AddTrial("a", 0);
  AddTrial("a", 1, {.slots = 1, .needs_gpu = true});
  AddTrial("a", 2, {.slots = 1, .needs_gpu = true});
  AddWorker("c", {CpuSlot(0)});
  AddWorker("g", {GpuSlot(0), GpuSlot(1)});
  // The first takes the CPU although the other worker has more room.
  EXPECT_THAT(PlanText(), ElementsAre("a/0@c:0", "a/1@g:0", "a/2@g:1"));
  fleet_.erase("g");
  EXPECT_THAT(PlanText(), ElementsAre("a/0@c:0"));
  fleet_.erase("c");
  AddWorker("g", {GpuSlot(0)});
  EXPECT_THAT(PlanText(), ElementsAre("a/0@g:0"));
}

TEST_F(PlanTest, SeveralSlotsOnOneWorkerOfOneKind) {
  AddTrial("a", 0, {.slots = 2});
  AddWorker("u", {CpuSlot(0)});
  AddWorker("v", {CpuSlot(0)});
  EXPECT_THAT(PlanText(), IsEmpty());
  AddWorker("w", {CpuSlot(0), GpuSlot(1)});
  EXPECT_THAT(PlanText(), IsEmpty());
  AddWorker("x", {CpuSlot(0), GpuSlot(1), CpuSlot(2)});
  EXPECT_THAT(PlanText(), ElementsAre("a/0@x:02"));
}

TEST_F(PlanTest, MemoryOfEachSlot) {
  AddTrial("a", 0, {.slots = 2, .needs_gpu = true, .memory_bytes = 16});
  AddWorker("w", {GpuSlot(0, 16), GpuSlot(1, 8), GpuSlot(2, 24)});
  EXPECT_THAT(PlanText(), ElementsAre("a/0@w:02"));
}

TEST_F(PlanTest, SingleSlotsDoNotStarveALargerTrial) {
  for (int i = 0; i < 20; ++i) AddTrial("small", i);
  AddWorker("v", {CpuSlot(0), CpuSlot(1)});
  AddWorker("w", {CpuSlot(0)});
  Apply();
  AddTrial("large", 0, {.slots = 2});
  // One slot after another falls free; never two at once unless the first is kept.
  bool granted = false;
  for (int i = 0; i < 4 && !granted; ++i) {
    fleet_["v"].slots[static_cast<std::size_t>(i % 2)].attempt_id.clear();
    Apply();
    granted = !queue_.sweeps().contains("large");
  }
  EXPECT_TRUE(granted);
  // A worker that could not hold it went on with the others' work.
  AddTrial("large", 1, {.slots = 2});
  fleet_["w"].slots[0].attempt_id.clear();
  EXPECT_THAT(PlanText(), ElementsAre(HasSubstr("@w:0")));
}

TEST_F(PlanTest, HigherPrioritiesAreServedFirstAndTakeTurnsAmongThemselves) {
  for (const char* sweep : {"a", "b", "c", "d"}) {
    for (int i = 0; i < 2; ++i) AddTrial(sweep, i);
  }
  queue_.SetRules("b", {.name = "b", .priority = 5});
  queue_.SetRules("c", {.name = "c", .priority = 5});
  queue_.SetRules("d", {.name = "d", .priority = -1});
  AddWorker("w", {CpuSlot(0), CpuSlot(1), CpuSlot(2), CpuSlot(3), CpuSlot(4), CpuSlot(5), CpuSlot(6)});
  EXPECT_THAT(PlanText(),
              ElementsAre("b/0@w:0", "c/0@w:1", "b/1@w:2", "c/1@w:3", "a/0@w:4", "a/1@w:5", "d/0@w:6"));
}

TEST_F(PlanTest, WhatAHigherPriorityCannotUseGoesToTheOthers) {
  AddTrial("high", 0, {.slots = 1, .needs_gpu = true});
  AddTrial("high", 1, {.slots = 1, .needs_gpu = true});
  AddTrial("low", 0);
  queue_.SetRules("high", {.name = "high", .priority = 1});
  AddWorker("w", {CpuSlot(0), GpuSlot(1)});
  EXPECT_THAT(PlanText(), ElementsAre("high/0@w:1", "low/0@w:0"));
}

TEST_F(PlanTest, AGangOfAHigherPriorityHoldsSlotsBackFromLowerOnes) {
  AddTrial("gang", 0, {.slots = 2});
  AddTrial("low", 0);
  queue_.SetRules("gang", {.name = "gang", .priority = 1});
  AddWorker("w", {CpuSlot(0), CpuSlot(1)});
  fleet_["w"].slots[0].attempt_id = "a-1";
  EXPECT_THAT(PlanText(), IsEmpty());
  EXPECT_EQ(Why("low/0"), "what is free is held back for a trial of sweep 'gang' that takes several slots");
  EXPECT_EQ(Why("gang/0"), "waits for 2 slots on one worker to be free together");
}

TEST_F(PlanTest, NoMoreOfASweepAtOnceThanItMay) {
  for (int i = 0; i < 4; ++i) AddTrial("a", i);
  for (int i = 0; i < 2; ++i) AddTrial("b", i);
  queue_.SetRules("a", {.name = "a", .max_running = 3, .running = 1});
  AddWorker("w", {CpuSlot(0), CpuSlot(1), CpuSlot(2), CpuSlot(3), CpuSlot(4), CpuSlot(5)});
  EXPECT_THAT(PlanText(), ElementsAre("a/0@w:0", "b/0@w:1", "a/1@w:2", "b/1@w:3"));
  queue_.SetRules("a", {.name = "a", .max_running = 3, .running = 3});
  EXPECT_THAT(PlanText(), ElementsAre("b/0@w:0", "b/1@w:1"));
  // Found again beside those that took their places.
  queue_.SetRules("a", {.name = "a", .max_running = 3, .running = 4});
  EXPECT_THAT(PlanText(), ElementsAre("b/0@w:0", "b/1@w:1"));
  EXPECT_EQ(Why("a/0"), "the sweep runs 4 trials, and its max_running is 3");
}

TEST_F(PlanTest, LabelsSayWhichWorkers) {
  AddTrial("a", 0, Labelled({{"gpu", "a100"}}));
  AddTrial("a", 1, Labelled({{"gpu", "a100"}}), "v");
  AddTrial("b", 0);
  AddWorker("v", {CpuSlot(0), CpuSlot(1), CpuSlot(2)});
  fleet_["v"].labels = {{"gpu", "v100"}};
  AddWorker("w", {CpuSlot(0)});
  fleet_["w"].labels = {{"gpu", "a100"}, {"zone", "x"}};
  EXPECT_THAT(PlanText(), ElementsAre("a/0@w:0", "b/0@v:0")) << "not even where its checkpoint is";
  EXPECT_EQ(Capacity(fleet_, Labelled({{"gpu", "a100"}})), 1);
  EXPECT_FALSE(AnyCouldHold(fleet_, Labelled({{"gpu", "h100"}})));
}

TEST_F(PlanTest, LabelledGangsHoldBackWorkersWithTheirLabels) {
  AddTrial("gang", 0, Labelled({{"zone", "x"}}, 2));
  AddTrial("small", 0);
  AddTrial("small", 1);
  AddWorker("v", {CpuSlot(0), CpuSlot(1)});
  AddWorker("w", {CpuSlot(0), CpuSlot(1)});
  fleet_["w"].labels = {{"zone", "x"}};
  fleet_["w"].slots[0].attempt_id = "a-1";
  EXPECT_THAT(PlanText(), ElementsAre("small/0@v:0", "small/1@v:1"));
}

TEST_F(PlanTest, SaysWhatNoWorkerHasAndWhichTakesNothing) {
  AddTrial("a", 0, Labelled({{"gpu", "a100"}, {"zone", "x"}}));
  AddWorker("v", {CpuSlot(0)});
  EXPECT_EQ(Why("a/0"), "no connected worker that has 1 slot is labelled gpu=a100, zone=x");
  AddTrial("b", 0, {.memory_bytes = 8LL << 30});
  AddWorker("w", {{.index = 0, .gpu = false, .memory_bytes = 4LL << 30, .attempt_id = ""}});
  fleet_.erase("v");
  EXPECT_EQ(Why("b/0"), "no connected worker has 1 slot with 8.0 GiB");
  AddTrial("c", 0);
  fleet_["w"].quarantined = true;
  EXPECT_EQ(Why("c/0"), "every worker that has 1 slot is quarantined");
  AddWorker("x", {CpuSlot(0)});
  fleet_["x"].draining = true;
  EXPECT_EQ(Why("c/0"), "every worker that has 1 slot is draining or quarantined");
}

TEST_F(PlanTest, SaysWhoIsServedFirst) {
  AddTrial("a", 0);
  AddTrial("b", 0);
  queue_.SetRules("a", {.name = "first"});
  queue_.SetRules("b", {.name = "second"});
  AddWorker("w", {CpuSlot(0)});
  fleet_["w"].slots[0].attempt_id = "a-1";
  EXPECT_EQ(Why("a/0"), "the only slot is busy");
  EXPECT_EQ(Why("b/0"), "the only slot is busy; it is the turn of sweep 'first' first");
  queue_.Served("a");
  EXPECT_EQ(Why("b/0"), "the only slot is busy");
  queue_.SetRules("a", {.name = "first", .priority = 3});
  EXPECT_EQ(Why("b/0"), "the only slot is busy; sweep 'first' of higher priority (3) is served first");
  // Not where it could not take the slot.
  queue_.SetRules("a", {.name = "first", .priority = 3, .paused = true});
  EXPECT_EQ(Why("b/0"), "the only slot is busy");
  EXPECT_EQ(Why("a/0"), "the sweep is paused");
  fleet_["w"].slots[0].attempt_id.clear();
  EXPECT_EQ(Why("b/0"), "it is about to be granted");
}

TEST_F(PlanTest, SaysWhyATrialWaits) {
  AddTrial("a", 0, {.slots = 2, .needs_gpu = true});
  EXPECT_EQ(Why("a/0"), "no worker is connected");
  AddWorker("w", {GpuSlot(0), CpuSlot(1)});
  EXPECT_EQ(Why("a/0"), "no connected worker has 2 GPU slots on one worker");
  AddWorker("x", {GpuSlot(0), GpuSlot(1)});
  fleet_["x"].draining = true;
  EXPECT_THAT(Why("a/0"), HasSubstr("is draining"));
  fleet_["x"].draining = false;
  fleet_["x"].slots[0].attempt_id = "a-1";
  EXPECT_THAT(Why("a/0"), HasSubstr("to be free together"));
  fleet_["x"].slots[1].attempt_id = "a-1";
  fleet_["w"].slots[0].attempt_id = "a-2";
  EXPECT_EQ(Why("a/0"), "all 3 slots are busy");
  AddTrial("a", 1, {}, "", kNow + std::chrono::milliseconds(29'500));
  EXPECT_EQ(Why("a/1"), "tried again in 30 s");
  EXPECT_THAT(Waiting(queue_, fleet_, kNow).Why("a"),
              ElementsAre("all 3 slots are busy", "tried again in 30 s"));
  EXPECT_THAT(Waiting(queue_, fleet_, kNow).Why("b"), IsEmpty());
}

TEST_F(PlanTest, CountsCapacity) {
  AddWorker("v", {CpuSlot(0), CpuSlot(1), CpuSlot(2)});
  AddWorker("w", {GpuSlot(0), GpuSlot(1)});
  EXPECT_EQ(Capacity(fleet_, {}), 5);
  EXPECT_EQ(Capacity(fleet_, {.slots = 2}), 2);
  EXPECT_EQ(Capacity(fleet_, {.slots = 1, .needs_gpu = true}), 2);
  EXPECT_FALSE(AnyCouldHold(fleet_, {.slots = 3, .needs_gpu = true}));
  EXPECT_TRUE(AnyCouldHold(fleet_, {.slots = 3}));
  fleet_["w"].draining = true;
  EXPECT_EQ(Capacity(fleet_, {.slots = 1, .needs_gpu = true}), 0);
}

// Any queue over any fleet: no slot twice, every trial fits where it goes, and nothing that fits is left
// while slots are free (single-slot trials only: larger ones may hold slots back).
TEST_F(PlanTest, RandomPlansAreSound) {
  std::uint64_t seed = 1;
  const auto random = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::int64_t>((seed >> 33) % below);
  };
  for (int round = 0; round < 300; ++round) {
    queue_ = {};
    fleet_ = {};
    const bool singles_only = round % 2 == 0;
    for (std::int64_t w = 0, n = random(5); w < n; ++w) {
      std::vector<Slot> slots;
      for (std::int64_t s = 0, m = random(5); s < m; ++s)
        slots.push_back(random(2) != 0 ? GpuSlot(s) : CpuSlot(s));
      for (Slot& slot : slots) slot.attempt_id = random(3) == 0 ? "busy" : "";
      AddWorker("w" + std::to_string(w), slots);
    }
    for (std::int64_t t = 0, n = random(12); t < n; ++t) {
      AddTrial(std::string(1, static_cast<char>('a' + random(3))), t,
               {.slots = singles_only ? 1 : 1 + random(3), .needs_gpu = random(2) != 0},
               "w" + std::to_string(random(5)));
    }
    std::set<std::string> granted;
    for (const Grant& grant : Plan(queue_, fleet_)) {
      const Pending pending = *queue_.Find(grant.trial_id);
      EXPECT_TRUE(granted.insert(grant.trial_id).second);
      EXPECT_EQ(static_cast<std::int64_t>(grant.slots.size()), pending.demand.slots);
      for (const std::int64_t index : grant.slots) {
        Slot& slot = fleet_.at(grant.worker_id).slots.at(static_cast<std::size_t>(index));
        EXPECT_EQ(slot.attempt_id, "") << "slot taken twice";
        EXPECT_TRUE(Suits(slot, pending.demand));
        slot.attempt_id = grant.trial_id;
      }
    }
    if (!singles_only) continue;
    for (const std::string& id : granted) queue_.Remove(id);
    EXPECT_THAT(PlanText(), IsEmpty()) << "a slot was left free";
  }
}

TEST_F(PlanTest, BarredWorkersGetNothingOfTheSweepThatTheyAreBarredFrom) {
  AddWorker("a", {CpuSlot(0), CpuSlot(1)});
  AddWorker("b", {CpuSlot(0)});
  AddTrial("s", 0, {}, "a");  // it even has the checkpoint
  AddTrial("s", 1);
  AddTrial("t", 0);
  const Barred barred = {{"a", "host-a: model: 1…, where host-b has 2…"}};
  queue_.SetRules("s", {.name = "s", .barred = &barred});
  EXPECT_THAT(PlanText(), ElementsAre("s/0@b:0", "t/0@a:0"));
  const auto why = [&] { return Waiting(queue_, fleet_, kNow).Why("s"); };
  EXPECT_THAT(why(),
              ElementsAre("it is about to be granted; these workers' files are not the sweep's: host-a: "
                          "model: 1…, where host-b has 2…"));
  fleet_.erase("b");
  EXPECT_THAT(why(), ElementsAre(HasSubstr("no worker that takes work may have it; these")));
  // Nor are its slots kept for it.
  AddTrial("s", 2, {.slots = 2});
  AddTrial("t", 1);
  EXPECT_THAT(PlanText(), ElementsAre("t/0@a:0", "t/1@a:1"));
}

TEST_F(PlanTest, QuarantinedSlotsAreAsGoodAsNone) {
  AddWorker("a", {GpuSlot(0), GpuSlot(1)});
  fleet_["a"].slots[0].quarantined = true;
  AddTrial("s", 0, {.slots = 1, .needs_gpu = true});
  AddTrial("s", 1, {.slots = 2, .needs_gpu = true});
  EXPECT_THAT(PlanText(), ElementsAre("s/0@a:1"));
  EXPECT_TRUE(AnyCouldHold(fleet_, {.slots = 2, .needs_gpu = true})) << "in time";
  EXPECT_EQ(Capacity(fleet_, {.slots = 2, .needs_gpu = true}), 0);
  EXPECT_EQ(Capacity(fleet_, {.slots = 1, .needs_gpu = true}), 1);
}

}  // namespace
}  // namespace lorikeet::scheduler
