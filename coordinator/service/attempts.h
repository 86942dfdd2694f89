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

// Granted or running → lost; its trial waits again, and until it is granted again a late word still counts.
Status Lose(Change& change, const std::string& attempt_id, const std::string& reason);
// A lost attempt whose trial is not granted again; both have failed, as lost, with this message.
Status GiveUp(Change& change, const std::string& attempt_id, const std::string& why);
// Why a trial that has been interrupted once more is given up: it has been too often.
std::string TooManyInterruptions(const RetryPolicy& retry, const core::Trial& trial,
                                 const std::string& reason);
// A word of it: granted or lost → running, and a lost attempt's trial with it. Nothing where it runs already.
Status NoteAlive(Change& change, const std::string& attempt_id);
// → returned; its trial waits again. `may_spin`: it got nowhere, on a worker that would take it again at
// once.
Status Return(Change& change, const std::string& attempt_id, const std::string& reason,
              const RetryPolicy& retry, bool may_spin);
// → returned, and nothing is counted: nobody but its worker is to blame.
Status ReturnUncounted(Change& change, const std::string& attempt_id, const std::string& reason);
// → failed; its trial waits for its backoff, or fails.
Status Fail(store::Transaction& transaction, Change& change, const std::string& attempt_id,
            const RetryPolicy& retry, const Failure& failure);
// A lost attempt whose trial is granted again → superseded; its worker is told to stop it.
Status Supersede(Change& change, const std::string& attempt_id);
// The trial, and the attempt that it may have, → cancelled, with a new token; the attempt's worker is told.
Status CancelTrial(Change& change, const TrialRecord& record);

// A trial that failed or was cancelled waits again, with nothing counted against it. Nothing of its earlier
// attempts counts any more: each has ended.
Status RetryTrial(store::Transaction& transaction, Change& change, const std::string& trial_id);

}  // namespace lorikeet::service
