// What the session knows of one attempt. Included by the session's own files only.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "worker/agent/session.h"
#include "worker/agent/wire.h"

namespace lorikeet::agent {

struct Session::Attempt {
  AttemptRecord record;
  std::unique_ptr<agent::Spool> spool;

  bool process = false;               // the launcher has it
  bool slots_busy = false;            // held, with or without a process
  bool closed_told = true;            // the coordinator knows that the slots are free
  std::optional<Launch> waiting;      // starts when an older attempt of its trial is gone
  std::optional<SteadyTime> free_at;  // could not be started; keeps its slots till then

  bool final_spooled = false;
  bool trial_over = false;  // its last event settles the trial: no later attempt resumes from its folder
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

}  // namespace lorikeet::agent
