// What the session knows of one attempt. Included by the session's own files only.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "common/logging.h"
#include "worker/agent/session.h"
#include "worker/agent/thinning.h"
#include "worker/agent/wire.h"

namespace lorikeet::agent {

struct Session::Attempt {
  explicit Attempt(const SessionOptions& options)
      : thinning(options.most_spooled_bytes, options.few_points) {}

  AttemptRecord record;
  std::string sweep_id;  // for the log; empty after a restart of the worker
  std::unique_ptr<agent::Spool> spool;
  Thinning thinning;

  bool process = false;     // the launcher has it
  bool clearing = false;    // its process is gone, and its GPUs' memory may not be free yet
  bool slots_busy = false;  // held, with or without a process
  bool closed_told = true;  // the coordinator knows that the slots are free
  // Starts when its files are known, the coordinator's checkpoint is here, and older attempts of its trial
  // are gone.
  std::optional<Launch> waiting;
  bool files_asked = false;               // and not known yet
  std::vector<FileFingerprint> expected;  // what its sweep's files are, as far as that is fixed
  bool fetching = false;                  // the coordinator's checkpoint, which is not here yet
  SteadyTime prepare_until{};             // it waits no longer than this for both
  bool carries = false;                   // its checkpoints are sent to the coordinator
  std::optional<SteadyTime> free_at;      // could not be started; keeps its slots till then

  bool final_spooled = false;
  bool succeeded = false;   // its result is spooled
  bool trial_over = false;  // the trial is settled: no later attempt resumes from its folder
  bool spool_lost = false;  // its spool is in memory, and counts from what was sent
  bool disk_full = false;   // events of it wait for room
  bool held = false;        // its trainer is not read: too many wait
  bool dropped = false;
  std::string stop_reason;  // not empty: its trainer has been told to leave
  std::int64_t checkpoint_step = -1;

  std::int64_t sent = 0;                  // highest event sent on this stream
  std::deque<std::int64_t> in_flight;     // last event of each batch that is not acknowledged
  std::optional<SteadyTime> lease_until;  // none: not told yet

  std::optional<protocol::Progress> progress;  // newest, not forwarded yet
  std::optional<SteadyTime> progress_sent;

  // Its last event is the coordinator's.
  bool handed_in() const { return final_spooled && spool->empty(); }
};

// What a line of the log about it has.
inline LogFields Session::FieldsOf(const Attempt& attempt) {
  return {{"sweep", attempt.sweep_id},
          {"trial", attempt.record.trial_id},
          {"attempt", attempt.record.attempt_id}};
}

}  // namespace lorikeet::agent
