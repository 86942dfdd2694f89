#include <fmt/format.h>

#include <algorithm>

#include "coordinator/scheduler/plan.h"

namespace lorikeet::scheduler {
namespace {

// Why a ready trial of this demand has no slot.
std::string WhyNotPlaced(const Demand& demand, const Fleet& fleet) {
  if (fleet.empty()) return "no worker is connected";
  if (!AnyCouldHold(fleet, demand)) return fmt::format("no connected worker has {}", Describe(demand));
  if (Capacity(fleet, demand) == 0)
    return fmt::format("every worker that has {} is draining", Describe(demand));
  std::int64_t slots = 0, busy = 0;
  for (const auto& [id, worker] : fleet) {
    if (worker.draining) continue;
    for (const Slot& slot : worker.slots) {
      if (!Suits(slot, demand)) continue;
      ++slots;
      if (!slot.attempt_id.empty()) ++busy;
    }
  }
  if (busy == slots)
    return slots == 1 ? "the only slot is busy" : fmt::format("all {} slots are busy", slots);
  if (demand.slots > 1) return fmt::format("waits for {} to be free together", Describe(demand));
  return "it is another sweep's turn";
}

std::string BackingOff(std::size_t trials, SteadyTime until, SteadyTime now) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(until - now).count();
  return trials == 1 ? fmt::format("tried again in {} s", seconds)
                     : fmt::format("{} trials are tried again, the first in {} s", trials, seconds);
}

}  // namespace

std::string WhyWaiting(const Pending& pending, const Fleet& fleet, SteadyTime now) {
  if (pending.ready_at > now) return BackingOff(1, pending.ready_at, now);
  return WhyNotPlaced(pending.demand, fleet);
}

std::vector<std::string> WhyWaiting(const Queue& queue, const std::string& sweep_id, const Fleet& fleet,
                                    SteadyTime now) {
  std::vector<std::string> reasons;
  const auto found = queue.sweeps().find(sweep_id);
  if (found == queue.sweeps().end()) return reasons;
  for (const auto& [demand, trials] : found->second.ready) {
    std::string reason = WhyNotPlaced(demand, fleet);
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end())
      reasons.push_back(std::move(reason));
  }
  const auto& backing_off = found->second.backing_off;
  if (!backing_off.empty() && backing_off.begin()->first > now) {
    reasons.push_back(BackingOff(backing_off.size(), backing_off.begin()->first, now));
  }
  return reasons;
}

}  // namespace lorikeet::scheduler
