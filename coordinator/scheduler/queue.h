// The trials that wait, indexed so that a plan never looks at more of them than it grants: by sweep, by what
// they need, by position; those that back off stand apart until their time has come.
//
// Not thread-safe. Put, Remove, Wake, Served and SetRules are the service's; a plan takes the queue const.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/node_hash_set.h"
#include "common/clock.h"
#include "coordinator/scheduler/fleet.h"

namespace lorikeet::scheduler {

struct Pending {
  std::string trial_id;
  std::string sweep_id;
  std::int64_t position = 0;  // in its sweep: the order to run in
  Demand demand;
  std::string last_worker_id;  // has its checkpoint; empty: none has
  SteadyTime ready_at{};       // the end of its backoff; in the past: ready
};

class Queue {
 public:
  // A trial as it is kept: there may be 10^6. The pointers are the queue's, and live as long.
  struct Entry {
    std::string trial_id;
    const std::string* sweep_id;
    std::int64_t position;
    const Demand* demand;
    const std::string* last_worker_id;
    SteadyTime ready_at;
  };
  struct ByPosition {
    bool operator()(const Entry* a, const Entry* b) const {
      return a->position != b->position ? a->position < b->position : a->trial_id < b->trial_id;
    }
  };
  struct ByTime {
    bool operator()(const Entry* a, const Entry* b) const {
      return a->ready_at != b->ready_at ? a->ready_at < b->ready_at : a->trial_id < b->trial_id;
    }
  };
  using Order = absl::btree_set<const Entry*, ByPosition>;
  // What the service says of a sweep.
  struct Rules {
    std::string name;                              // for people
    std::int64_t priority = 0;                     // higher is served first
    bool paused = false;                           // nothing of it is granted
    std::optional<std::int64_t> max_running = {};  // of its trials at once; none: any number
    std::int64_t running = 0;
    const Barred* barred = nullptr;  // the service's, which keeps it; null: none are
    bool Bars(const std::string& worker) const { return barred != nullptr && barred->contains(worker); }
    bool MayRun() const { return !paused && (!max_running || running < *max_running); }
  };
  struct Sweep {
    std::int64_t number = 0;  // the order they came in
    std::int64_t turn = 0;    // when it was last served: the smallest is next
    Rules rules;
    std::map<Demand, Order> ready;
    absl::btree_set<const Entry*, ByTime> backing_off;
    bool empty() const { return ready.empty() && backing_off.empty(); }
  };

  Queue() = default;
  Queue(Queue&&) = default;
  Queue& operator=(Queue&&) = default;

  // Adds a trial, or replaces what is known of it.
  void Put(const Pending& pending, SteadyTime now);
  // No trial of that id: nothing happens.
  void Remove(const std::string& trial_id);
  // Makes those ready whose backoff is over; whether there are any.
  bool Wake(SteadyTime now);
  // The sweep was given something: the others come first now.
  void Served(const std::string& sweep_id);
  // Of a sweep that may not run, nothing is granted; its trials, those that come too, wait here all the same.
  void SetRules(const std::string& sweep_id, const Rules& rules);

  // Those with trials in the queue.
  const std::map<std::string, Sweep>& sweeps() const { return sweeps_; }
  // Nothing where the trial is not in the queue.
  std::optional<Pending> Find(const std::string& trial_id) const;
  std::size_t size() const { return pending_.size(); }

 private:
  struct HashOfTrial {
    using is_transparent = void;
    std::size_t operator()(std::string_view trial_id) const {
      return std::hash<std::string_view>()(trial_id);
    }
    std::size_t operator()(const Entry& entry) const { return (*this)(std::string_view(entry.trial_id)); }
  };
  struct SameTrial {
    using is_transparent = void;
    static std::string_view Id(std::string_view trial_id) { return trial_id; }
    static std::string_view Id(const Entry& entry) { return entry.trial_id; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Id(a) == Id(b);
    }
  };

  absl::node_hash_set<Entry, HashOfTrial, SameTrial> pending_;
  std::map<std::string, Sweep> sweeps_;
  // What entries point to: few, and kept.
  std::set<Demand> demands_;
  std::set<std::string> workers_;
  // What a sweep keeps where its last trial here has left: one may come back.
  struct Standing {
    std::int64_t number = 0, turn = 0;
    Rules rules = {};
  };
  std::pair<const std::string, Standing>& StandingOf(const std::string& sweep_id);

  std::map<std::string, Standing> standings_;  // never erased: entries point to the keys
  std::int64_t last_number_ = 0, last_turn_ = 0;
};

}  // namespace lorikeet::scheduler
