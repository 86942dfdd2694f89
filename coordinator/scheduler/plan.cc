#include "coordinator/scheduler/plan.h"

#include <algorithm>
#include <list>
#include <optional>
#include <tuple>

namespace lorikeet::scheduler {
namespace {

// Where a plan stands in one group of a sweep's: trials with the same demand.
struct Cursor {
  Demand demand;
  Queue::Order::const_iterator next, end;
};

struct Turn {
  std::string sweep_id;
  std::vector<Cursor> groups;
};

class Planner {
 public:
  Planner(const Queue& queue, const Fleet& fleet) : queue_(queue), fleet_(fleet) {
    for (const auto& [id, worker] : fleet) {
      if (worker.draining) continue;
      for (const Slot& slot : worker.slots) {
        if (slot.attempt_id.empty()) free_[id].push_back(slot);
      }
    }
  }

  std::vector<Grant> Run() {
    std::list<Turn> turns = free_.empty() ? std::list<Turn>() : TurnsInOrder();
    while (!turns.empty() && !free_.empty()) {
      // Who was served goes to the back; who fits nowhere fits nowhere later either, since room only shrinks.
      if (ServeOne(turns.front())) {
        turns.splice(turns.end(), turns, turns.begin());
      } else {
        turns.pop_front();
      }
    }
    return std::move(grants_);
  }

 private:
  std::list<Turn> TurnsInOrder() const {
    std::vector<std::tuple<std::int64_t, std::int64_t, std::string>> order;
    for (const auto& [id, sweep] : queue_.sweeps()) {
      if (!sweep.ready.empty()) order.emplace_back(sweep.turn, sweep.number, id);
    }
    std::sort(order.begin(), order.end());
    std::list<Turn> turns;
    for (const auto& [turn, number, id] : order) {
      std::vector<Cursor> groups;
      for (const auto& [demand, trials] : queue_.sweeps().at(id).ready) {
        groups.push_back({demand, trials.begin(), trials.end()});
      }
      turns.push_back({id, std::move(groups)});
    }
    return turns;
  }

  // One trial of this sweep's, the earliest that fits; false where none does.
  bool ServeOne(Turn& turn) {
    std::sort(turn.groups.begin(), turn.groups.end(),
              [](const Cursor& a, const Cursor& b) { return *a.next < *b.next; });
    for (auto group = turn.groups.begin(); group != turn.groups.end(); ++group) {
      const Pending* pending = queue_.Find(group->next->second);
      std::optional<Grant> grant = Place(*pending, turn.sweep_id);
      if (!grant) {
        HoldBack(group->demand, turn.sweep_id);
        continue;
      }
      Take(*grant);
      grants_.push_back(*std::move(grant));
      if (++group->next == group->end) turn.groups.erase(group);
      return !turn.groups.empty();
    }
    return false;
  }

  // The free slots of this worker that a trial would take: as many as it needs, of one kind, none else empty.
  std::vector<std::int64_t> Choose(const std::vector<Slot>& free, const Demand& demand) const {
    for (const bool gpu : {false, true}) {
      std::vector<std::int64_t> slots;
      for (const Slot& slot : free) {
        if (slot.gpu == gpu && Suits(slot, demand)) slots.push_back(slot.index);
        if (std::cmp_equal(slots.size(), demand.slots)) return slots;
      }
    }
    return {};
  }

  std::optional<Grant> Place(const Pending& pending, const std::string& sweep_id) const {
    const auto usable = [&](const std::string& worker) {
      const auto held = held_back_.find(worker);
      return held == held_back_.end() || held->second == sweep_id;
    };
    const auto last = free_.find(pending.last_worker_id);
    if (last != free_.end() && usable(last->first)) {
      std::vector<std::int64_t> slots = Choose(last->second, pending.demand);
      if (!slots.empty()) return Grant{pending.trial_id, sweep_id, last->first, std::move(slots)};
    }
    std::optional<Grant> best;
    std::pair<bool, std::int64_t> best_rank;  // spares GPUs, room
    for (const auto& [worker, free] : free_) {
      if (!usable(worker)) continue;
      std::vector<std::int64_t> slots = Choose(free, pending.demand);
      if (slots.empty()) continue;
      const bool spares_gpus = pending.demand.needs_gpu || !IsGpu(free, slots.front());
      const std::pair<bool, std::int64_t> rank = {spares_gpus, static_cast<std::int64_t>(free.size())};
      if (best && rank <= best_rank) continue;
      best = Grant{pending.trial_id, sweep_id, worker, std::move(slots)};
      best_rank = rank;
    }
    return best;
  }

  static bool IsGpu(const std::vector<Slot>& slots, std::int64_t index) {
    return std::any_of(slots.begin(), slots.end(),
                       [&](const Slot& slot) { return slot.index == index && slot.gpu; });
  }

  void Take(const Grant& grant) {
    std::vector<Slot>& free = free_.at(grant.worker_id);
    std::erase_if(free, [&](const Slot& slot) {
      return std::find(grant.slots.begin(), grant.slots.end(), slot.index) != grant.slots.end();
    });
    if (free.empty()) free_.erase(grant.worker_id);
  }

  // Keeps the worker with the most room that could hold the demand for this sweep, until the plan's end.
  void HoldBack(const Demand& demand, const std::string& sweep_id) {
    if (demand.slots <= 1) return;
    const std::string* chosen = nullptr;
    std::size_t most = 0;
    for (const auto& [worker, free] : free_) {
      if (held_back_.contains(worker) || !CouldHold(fleet_.at(worker), demand)) continue;
      const auto room = static_cast<std::size_t>(
          std::count_if(free.begin(), free.end(), [&](const Slot& slot) { return Suits(slot, demand); }));
      if (room <= most) continue;
      chosen = &worker;
      most = room;
    }
    if (chosen != nullptr) held_back_.emplace(*chosen, sweep_id);
  }

  const Queue& queue_;
  const Fleet& fleet_;
  std::map<std::string, std::vector<Slot>> free_;  // worker, its free slots; never an empty list
  std::map<std::string, std::string> held_back_;   // worker, for which sweep
  std::vector<Grant> grants_;
};

}  // namespace

std::vector<Grant> Plan(const Queue& queue, const Fleet& fleet) { return Planner(queue, fleet).Run(); }

}  // namespace lorikeet::scheduler
