// How things stand, from the state's own counts: nothing here looks at a trial.
#pragma once

#include "coordinator/service/observer.h"
#include "coordinator/service/state.h"

namespace lorikeet::service {

// Takes time by the sweeps and the connected slots.
Overview MakeOverview(const State& state);

}  // namespace lorikeet::service
