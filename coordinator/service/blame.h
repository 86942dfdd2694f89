// Who is at fault where attempts end badly: a trial that takes its trainers or workers down wherever it runs
// is given up; a worker that fails whatever it is given is quarantined.
//
// Functions that gather into a Change; none reads a clock.
#pragma once

#include <optional>
#include <string>

#include "coordinator/service/attempts.h"
#include "coordinator/service/change.h"

namespace lorikeet::service {

// On so many workers a trial may go down before it is given up.
inline constexpr std::size_t kMostWorkersTakenDown = 3;
// So many trials fail in a row on a worker before it is quarantined.
inline constexpr std::size_t kMostFailing = 3;

// Why the trial is given up for what it has done to its workers since a person last had it retried: on three
// of them its trainer crashed, or the worker was lost before the attempt had saved anything. Nothing where it
// may go on. `down_now`: a worker on which it went down just now, which the database does not know yet; or
// empty.
StatusOr<std::optional<std::string>> WhyPoisonous(store::Transaction& transaction, Change& change,
                                                  const std::string& trial_id, const std::string& down_now);

// The attempt failed, or was lost while its worker's session is open, or could not be started by it. Where
// that makes three trials in a row, the worker is quarantined: unless it is the last that could hold one of
// them, and not counting trials of sweeps that fail on another connected worker too, whose own fault it
// probably is.
void NoteFailureOn(Change& change, const core::Attempt& attempt, const Failure& failure);
// A trial succeeded there.
void NoteSuccessOn(Change& change, const std::string& worker_id);

}  // namespace lorikeet::service
