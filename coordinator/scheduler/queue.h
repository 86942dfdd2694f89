// The trials that wait, indexed so that a plan never looks at more of them than it grants: by sweep, by what
// they need, by position; those that back off stand apart until their time has come.
//
// Not thread-safe. Put, Remove, Wake and Served are the service's; a plan takes the queue const.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

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
  using Order = std::set<std::pair<std::int64_t, std::string>>;  // position, trial
  struct Sweep {
    std::int64_t number = 0;  // the order they came in
    std::int64_t turn = 0;    // when it was last served: the smallest is next
    std::map<Demand, Order> ready;
    std::set<std::pair<SteadyTime, std::string>> backing_off;  // until, trial
    bool empty() const { return ready.empty() && backing_off.empty(); }
  };

  // Adds a trial, or replaces what is known of it.
  void Put(const Pending& pending, SteadyTime now);
  // No trial of that id: nothing happens.
  void Remove(const std::string& trial_id);
  // Makes those ready whose backoff is over.
  void Wake(SteadyTime now);
  // The sweep was given something: the others come first now.
  void Served(const std::string& sweep_id);

  // Those with trials in the queue.
  const std::map<std::string, Sweep>& sweeps() const { return sweeps_; }
  // Null where the trial is not in the queue.
  const Pending* Find(const std::string& trial_id) const;
  std::size_t size() const { return pending_.size(); }

 private:
  std::unordered_map<std::string, Pending> pending_;
  std::map<std::string, Sweep> sweeps_;
  // Outlive a sweep's last trial here, which may come back.
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> numbers_and_turns_;
  std::int64_t last_number_ = 0, last_turn_ = 0;
};

}  // namespace lorikeet::scheduler
