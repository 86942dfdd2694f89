// Starts and supervises trainers: the seam between the session's decisions and processes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/status.h"
#include "worker/protocol/events.h"

namespace lorikeet::agent {

// What one attempt's trainer is started with.
struct Launch {
  std::string attempt_id;
  std::int64_t token = 0;          // the lease's: the trainer's checkpoints carry it
  std::string attempt_folder;      // there already
  std::string trial_folder;        // the trainer's --out; made where missing
  std::string checkpoint_folder;   // where its checkpoints lie instead of the trial's folder; empty: there
  bool small_checkpoints = false;  // of an adapter: the coordinator takes them too
  std::string trial_json;
  std::string device;
  std::int64_t threads = 1;
  bool documents = false;
  std::optional<Duration> time_limit;
};

enum class StopHow {
  kCheckpoint,  // write a checkpoint, then leave; killed if that takes too long
  kNow,         // leave; killed if that takes more than seconds
};

// Not thread-safe.
class Launcher {
 public:
  virtual ~Launcher() = default;
  // An error where no process was started; nothing is reported of the attempt then.
  virtual Status Start(const Launch& launch) = 0;
  // Returns at once; unknown attempts are ignored. kNow after kCheckpoint shortens the wait.
  virtual void Stop(const std::string& attempt_id, StopHow how) = 0;
  // While held, nothing more is read of what its trainer prints, its end included, but for what had been read
  // already; a trainer that prints much waits. Unknown attempts are ignored.
  virtual void Hold(const std::string& attempt_id, bool held) = 0;
};

// Who hears of trainers. For each started attempt: events, of which exactly one is the last (Result, Stopped
// or Failed), whatever the process does; then closed, when the whole process group is gone.
class TrainerListener {
 public:
  virtual ~TrainerListener() = default;
  virtual void OnTrainerEvent(const std::string& attempt_id, const protocol::Event& event) = 0;
  virtual void OnTrainerClosed(const std::string& attempt_id) = 0;
};

}  // namespace lorikeet::agent
