// Which trial goes where now. Pure: a const view in, grants out; nothing is remembered between calls.
//
// The rules, in this order:
// - Sweeps take turns, the one served longest ago first; inside a sweep trials go by position.
// - A trial takes all its slots on one worker, of one kind; one that needs no GPU leaves GPUs free where it
// can.
// - It goes to the worker that has its checkpoint where that one has room now, else to the one with the most
// room:
//   starting again elsewhere costs less than waiting for a worker of which nobody knows when it is free.
// - A trial of several slots that fits nowhere now holds back the free slots of one worker that could hold it
// from
//   the sweeps behind its own, else single slots would be taken away under it for ever.
// - Draining workers get nothing.
//
// Cost: the free slots, the workers and the sweeps that wait; not the trials that wait.
#pragma once

#include <string>
#include <vector>

#include "coordinator/scheduler/fleet.h"
#include "coordinator/scheduler/queue.h"

namespace lorikeet::scheduler {

struct Grant {
  std::string trial_id, sweep_id, worker_id;
  std::vector<std::int64_t> slots;  // indices, ascending
};

// At most one grant a free slot, in the order to make them. What backs off is left out: call Queue::Wake
// before.
std::vector<Grant> Plan(const Queue& queue, const Fleet& fleet);

// Why this trial still waits, for people: "no worker is connected". `now` is what its backoff counts from.
std::string WhyWaiting(const Pending& pending, const Fleet& fleet, SteadyTime now);
// The same for a whole sweep: each reason once.
std::vector<std::string> WhyWaiting(const Queue& queue, const std::string& sweep_id, const Fleet& fleet,
                                    SteadyTime now);

}  // namespace lorikeet::scheduler
