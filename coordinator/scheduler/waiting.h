// Why trials wait, for people: "all 8 slots are busy".
//
// A view of one moment: made for one request, while queue and fleet stand still. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/scheduler/fleet.h"
#include "coordinator/scheduler/queue.h"

namespace lorikeet::scheduler {

class Waiting {
 public:
  // `now` is what backoffs count from.
  Waiting(const Queue& queue, const Fleet& fleet, SteadyTime now) : queue_(queue), fleet_(fleet), now_(now) {}

  // Why this trial of the queue waits.
  std::string Why(const Pending& pending);
  // Whether it is because of its backoff.
  bool BacksOff(const Pending& pending) const;
  // Why trials of the sweep wait: each reason once.
  std::vector<std::string> Why(const std::string& sweep_id);

 private:
  // Of a ready trial of this demand. Trials of one demand have one reason: it is worked out once.
  const std::string& WhyReady(const std::string& sweep_id, const Demand& demand);
  // Workers that could hold it but are barred from the sweep, each with the reason; empty: none.
  std::string WhoIsBarred(const Queue::Sweep& sweep, const Demand& demand) const;
  std::string WorkOut(const std::string& sweep_id, const Queue::Sweep& sweep, const Demand& demand);
  std::string WhyNotPlaced(const std::string& sweep_id, const Queue::Sweep& sweep, const Demand& demand);
  // Which sweep's trials a plan grants before it comes to this one's; empty: none's.
  std::string WhoIsFirst(const std::string& sweep_id, const Queue::Sweep& sweep) const;
  std::string BackingOff(std::size_t trials, SteadyTime until) const;

  const Queue& queue_;
  const Fleet& fleet_;
  const SteadyTime now_;
  std::map<std::pair<std::string, Demand>, std::string> known_;
  std::optional<std::map<std::string, std::string>> held_back_;  // worker, for which sweep
};

}  // namespace lorikeet::scheduler
