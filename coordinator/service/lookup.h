// Finds what people name: sweeps and trials by id or name, workers by id or hostname.
//
// Not thread-safe: the service's. The pointers live as long as the state.
#pragma once

#include <string>

#include "coordinator/service/state.h"

namespace lorikeet::service {

// NotFound, with the nearest name, where there is none.
StatusOr<SweepRecord*> LookUpSweep(State& state, const std::string& sweep);
// An id, SWEEP/TRIAL, or a trial's name where only one sweep has it (else InvalidArgument, with what to say).
StatusOr<TrialRecord*> LookUpTrial(State& state, const std::string& trial);

// An id, or a hostname where only one worker has it (else InvalidArgument, with the ids).
StatusOr<WorkerRecord*> LookUpWorker(State& state, const std::string& worker);

}  // namespace lorikeet::service
