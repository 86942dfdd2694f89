// How an attempt's fate moves its trial: what sessions, leases, reports and cancels share. Each gathers into
// a Change; nothing here reads a clock or writes.
#pragma once

#include <string>

#include "coordinator/service/change.h"

namespace lorikeet::service {

// Why an attempt is over, as a worker or the coordinator says it.
struct Failure {
  std::string kind, message;
};

// Granted or running → lost; its trial waits again (or fails, where that has happened too often).
Status Lose(Change& change, const std::string& attempt_id, const std::string& reason);
// A word of it: granted or lost → running, and a lost attempt's trial with it. Nothing where it runs already.
Status NoteAlive(Change& change, const std::string& attempt_id);
// → returned; its trial waits again. `may_spin`: it got nowhere, on a worker that would take it again at
// once.
Status Return(Change& change, const std::string& attempt_id, const std::string& reason, bool may_spin);
// → failed; its trial waits for its backoff, or fails.
Status Fail(Change& change, const std::string& attempt_id, const core::RetryPolicy& retry,
            const Failure& failure);
// A lost attempt whose trial is granted again → superseded; its worker is told to stop it.
Status Supersede(Change& change, const std::string& attempt_id);
// The trial, and the attempt that it may have, → cancelled, with a new token; the attempt's worker is told.
Status CancelTrial(Change& change, const TrialRecord& record);

}  // namespace lorikeet::service
