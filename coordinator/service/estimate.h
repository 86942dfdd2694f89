// How long a sweep will still take: what its arms have taken so far, over the slots that there are.
#pragma once

#include <optional>

#include "coordinator/service/state.h"

namespace lorikeet::service {

// Seconds; nothing where it would be a guess out of thin air: nothing waits or runs, no worker could take it,
// it is paused, or no trial of a kind that still waits has succeeded since this process started. Retries to
// come are not foreseen.
std::optional<double> SecondsLeft(State& state, const SweepRecord& sweep, SteadyTime now);

}  // namespace lorikeet::service
