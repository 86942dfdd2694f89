// Which trial goes where now. Pure: a const view in, grants out; nothing is remembered between calls.
//
// The rules, in this order:
// - Sweeps of higher priority come first, as long as anything of theirs fits; those of one priority take
// turns, the one served longest ago first. Inside a sweep trials go by position, which is as
// spec::ExpandTrials has it: references, then seed by seed with the baseline at the front, so that a
// comparison can be read early.
// - A sweep that runs as many trials as it may gets no turn.
// - A trial runs on workers that have its sweep's labels, and are not barred from it. It takes all its slots
// on one worker, of one kind; one that needs no GPU leaves GPUs free where it can.
// - It goes to the worker that has its checkpoint where that one has room now, else to the one with the most
// room:
//   starting again elsewhere costs less than waiting for a worker of which nobody knows when it is free.
// - A trial of several slots that fits nowhere now holds back the free slots of one worker that could hold it
// from
//   the sweeps behind its own, those of lower priority too, else single slots would be taken away under it
//   for ever.
// - Draining and quarantined workers get nothing, paused sweeps neither; a quarantined slot is as good as
// none.
//
// Cost: the free slots, the workers and the sweeps that wait; not the trials that wait.
#pragma once

#include <map>
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

// Workers whose free slots such a plan keeps for a trial that needs several together, and for which sweep's.
std::map<std::string, std::string> HeldBack(const Queue& queue, const Fleet& fleet);

}  // namespace lorikeet::scheduler
