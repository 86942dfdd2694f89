#include "coordinator/scheduler/plan.h"

#include <algorithm>
#include <list>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace lorikeet::scheduler {
namespace {

// Where a plan stands in one group of a sweep's: trials with the same demand.
struct Cursor {
  Demand demand;
  Queue::Order::const_iterator next, end;
};

struct Turn {
  std::string sweep_id;
  std::int64_t priority = 0;
  std::optional<std::int64_t> room;  // trials that may still be granted; none: any number
  std::vector<Cursor> groups;
};

// A worker that could take a trial of some demand; the best comes first.
struct Candidate {
  bool spares_gpus = false;  // what needs no GPU takes none
  std::int64_t room = 0;     // free slots
  const std::string* worker = nullptr;
  friend bool operator<(const Candidate& a, const Candidate& b) {
    if (a.spares_gpus != b.spares_gpus) return a.spares_gpus;
    if (a.room != b.room) return a.room > b.room;
    return *a.worker < *b.worker;
  }
};

struct Candidates {
  std::set<Candidate> ranked;
  std::unordered_map<std::string_view, Candidate> of;  // by worker
};

class Planner {
 public:
  Planner(const Queue& queue, const Fleet& fleet) : queue_(queue), fleet_(fleet) {
    const bool any = std::any_of(queue.sweeps().begin(), queue.sweeps().end(),
                                 [](const auto& sweep) { return IsWaiting(sweep.second); });
    if (!any) return;
    for (const auto& [id, worker] : fleet) {
      if (!worker.TakesWork()) continue;
      for (const Slot& slot : worker.slots) {
        if (slot.attempt_id.empty() && !slot.quarantined) free_[id].push_back(slot);
      }
    }
  }

  std::vector<Grant> Run() {
    std::list<Turn> waiting = free_.empty() ? std::list<Turn>() : TurnsInOrder();
    while (!waiting.empty() && !free_.empty()) {
      // Those of the highest priority, until nothing of theirs fits.
      std::list<Turn> turns;
      const auto lower = std::find_if(waiting.begin(), waiting.end(), [&](const Turn& turn) {
        return turn.priority != waiting.front().priority;
      });
      turns.splice(turns.end(), waiting, waiting.begin(), lower);
      while (!turns.empty() && !free_.empty()) {
        // Who was served goes to the back; who fits nowhere fits nowhere later either, since room only
        // shrinks.
        if (ServeOne(turns.front())) {
          turns.splice(turns.end(), turns, turns.begin());
        } else {
          turns.pop_front();
        }
      }
    }
    return std::move(grants_);
  }

  const std::map<std::string, std::string>& held_back() const { return held_back_; }

 private:
  static bool IsWaiting(const Queue::Sweep& sweep) { return !sweep.ready.empty() && sweep.rules.MayRun(); }

  std::list<Turn> TurnsInOrder() const {
    // Highest priority, then served longest ago, then came first.
    std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::string>> order;
    for (const auto& [id, sweep] : queue_.sweeps()) {
      if (!IsWaiting(sweep)) continue;
      order.emplace_back(-sweep.rules.priority, sweep.turn, sweep.number, id);
    }
    std::sort(order.begin(), order.end());
    std::list<Turn> turns;
    for (const auto& [priority, turn, number, id] : order) {
      const Queue::Sweep& sweep = queue_.sweeps().at(id);
      std::vector<Cursor> groups;
      for (const auto& [demand, trials] : sweep.ready)
        groups.push_back({demand, trials.begin(), trials.end()});
      Turn& added = turns.emplace_back(Turn{id, sweep.rules.priority, std::nullopt, std::move(groups)});
      if (sweep.rules.max_running) added.room = *sweep.rules.max_running - sweep.rules.running;
    }
    return turns;
  }

  // One trial of this sweep's, the earliest that fits; false where none does.
  bool ServeOne(Turn& turn) {
    std::sort(turn.groups.begin(), turn.groups.end(),
              [](const Cursor& a, const Cursor& b) { return Queue::ByPosition()(*a.next, *b.next); });
    for (auto group = turn.groups.begin(); group != turn.groups.end(); ++group) {
      std::optional<Grant> grant = Place(**group->next, turn.sweep_id);
      if (!grant) {
        HoldBack(group->demand, turn.sweep_id);
        continue;
      }
      Take(*grant);
      grants_.push_back(*std::move(grant));
      if (++group->next == group->end) turn.groups.erase(group);
      if (turn.room && --*turn.room == 0) return false;
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

  std::optional<Grant> Place(const Queue::Entry& entry, const std::string& sweep_id) {
    const Queue::Rules& rules = queue_.sweeps().at(sweep_id).rules;
    const auto may_take = [&](const std::string& worker) {
      const auto held = held_back_.find(worker);
      return (held == held_back_.end() || held->second == sweep_id) && !rules.Bars(worker);
    };
    const Demand& demand = *entry.demand;
    const auto last = free_.find(*entry.last_worker_id);
    if (last != free_.end() && may_take(last->first) && HasLabels(fleet_.at(last->first), demand)) {
      std::vector<std::int64_t> slots = Choose(last->second, demand);
      if (!slots.empty()) return Grant{entry.trial_id, sweep_id, last->first, std::move(slots)};
    }
    for (const Candidate& candidate : CandidatesFor(demand).ranked) {
      const std::string& worker = *candidate.worker;
      if (!may_take(worker)) continue;
      return Grant{entry.trial_id, sweep_id, worker, Choose(free_.at(worker), demand)};
    }
    return std::nullopt;
  }

  // Those who could take a trial of this demand now: made once a plan, and kept up by Take, so that a grant
  // does not cost a walk over all workers.
  Candidates& CandidatesFor(const Demand& demand) {
    const auto [found, fresh] = candidates_.try_emplace(demand);
    if (fresh) {
      for (const auto& [worker, free] : free_) Rank(worker, free, demand, found->second);
    }
    return found->second;
  }
  void Rank(const std::string& worker, const std::vector<Slot>& free, const Demand& demand,
            Candidates& candidates) const {
    if (!HasLabels(fleet_.at(worker), demand)) return;
    const std::vector<std::int64_t> slots = Choose(free, demand);
    if (slots.empty()) return;
    const Candidate candidate{.spares_gpus = demand.needs_gpu || !IsGpu(free, slots.front()),
                              .room = static_cast<std::int64_t>(free.size()),
                              .worker = &worker};
    candidates.ranked.insert(candidate);
    candidates.of.emplace(worker, candidate);
  }

  static bool IsGpu(const std::vector<Slot>& slots, std::int64_t index) {
    return std::any_of(slots.begin(), slots.end(),
                       [&](const Slot& slot) { return slot.index == index && slot.gpu; });
  }

  void Take(const Grant& grant) {
    const auto found = free_.find(grant.worker_id);
    std::vector<Slot>& free = found->second;
    for (auto& [demand, candidates] : candidates_) {
      const auto before = candidates.of.find(grant.worker_id);
      if (before == candidates.of.end()) continue;
      candidates.ranked.erase(before->second);
      candidates.of.erase(before);
    }
    std::erase_if(free, [&](const Slot& slot) {
      return std::find(grant.slots.begin(), grant.slots.end(), slot.index) != grant.slots.end();
    });
    if (free.empty()) {
      free_.erase(found);
      return;
    }
    for (auto& [demand, candidates] : candidates_) Rank(found->first, free, demand, candidates);
  }

  // Keeps the worker with the most room that could hold the demand for this sweep, until the plan's end.
  void HoldBack(const Demand& demand, const std::string& sweep_id) {
    if (demand.slots <= 1) return;
    const Queue::Rules& rules = queue_.sweeps().at(sweep_id).rules;
    const std::string* chosen = nullptr;
    std::size_t most = 0;
    for (const auto& [worker, free] : free_) {
      if (held_back_.contains(worker) || rules.Bars(worker) || !CouldHold(fleet_.at(worker), demand))
        continue;
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
  std::map<Demand, Candidates> candidates_;
  std::vector<Grant> grants_;
};

}  // namespace

std::vector<Grant> Plan(const Queue& queue, const Fleet& fleet) { return Planner(queue, fleet).Run(); }

std::map<std::string, std::string> HeldBack(const Queue& queue, const Fleet& fleet) {
  Planner planner(queue, fleet);
  planner.Run();
  return planner.held_back();
}

}  // namespace lorikeet::scheduler
