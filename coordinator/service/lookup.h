// Finds what people name: sweeps and trials by id or name.
//
// Not thread-safe: under the service's mutex. The pointers live as long as the state.
#pragma once

#include <string>

#include "coordinator/service/state.h"

namespace lorikeet::service {

// NotFound, with the nearest name, where there is none.
StatusOr<SweepRecord*> LookUpSweep(State& state, const std::string& sweep);
// An id, SWEEP/TRIAL, or a trial's name where only one sweep has it (else InvalidArgument, with what to say).
StatusOr<TrialRecord*> LookUpTrial(State& state, const std::string& trial);

}  // namespace lorikeet::service
