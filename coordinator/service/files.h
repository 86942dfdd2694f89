// Whether an attempt's host has the files that its sweep's other hosts have: by content, as its worker or its
// trainer says. The first that says it, says it for the sweep.
//
// Functions that gather into a Change; none reads a clock.
#pragma once

#include <string>
#include <vector>

#include "coordinator/service/change.h"

namespace lorikeet::service {

// The names of what has no path of its own.
inline constexpr const char* kModel = "model";
inline constexpr const char* kDocuments = "documents";  // as they are read from the data files

// Holds what the attempt's host has against the sweep's, and fixes what was not fixed. Where it differs, the
// attempt is over, returned, with nothing counted against its trial, and its worker, which is told, is barred
// from the sweep; then the answer is false. Names without a value that are not fixed either are passed over.
StatusOr<bool> CheckFiles(Change& change, const std::string& attempt_id,
                          const std::vector<core::Fingerprint>& found);

// A worker's start anew, or a person, lifts its bars: those of another process than this, or all (empty).
void LiftBars(Change& change, const std::string& worker_id, const std::string& process);

}  // namespace lorikeet::service
