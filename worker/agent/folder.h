// The worker's folder (--dir): locked by one worker at a time, and holding its identity.
//
//   DIR/lock                  held with flock; its text is the holder's process id
//   DIR/identity              "w-…", made at the first start
//   DIR/starts                how often a worker has been started here
//   DIR/trials/TRIAL/         the trainer's --out: checkpoints to resume from, what was kept
//   DIR/cache/                tokens and fingerprints, shared by the trials; may be removed at any time
//   DIR/attempts/ATTEMPT/     spool, attempt.json, trial.json, process, stderr.log
//   DIR/gpus                  how much memory of each GPU is in use when it is idle (gpu_idle.h)
//   DIR/adapters/ATTEMPT      that the coordinator is still to have (adapters.h)
//   DIR/probe                 written to see whether the folder can be
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/status.h"
#include "worker/agent/disk.h"

namespace lorikeet::agent {

// Not thread-safe. The lock is let go by the destructor, or by the kernel with the process.
class Folder {
 public:
  // Makes what is missing; `disk` outlives it. FailedPrecondition where another worker holds it, naming that
  // worker's process.
  static StatusOr<std::unique_ptr<Folder>> Open(const std::string& path, RandomSource& random, Disk& disk);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& identity() const { return identity_; }
  // Of how many starts this is the last.
  std::int64_t starts() const { return starts_; }
  const std::string& path() const { return path_; }
  Disk& disk() const { return disk_; }
  // Whether files can be written here, for all that is known, or could be if there were room.
  Status Check() const;
  // Ids come from the coordinator: InvalidArgument for one that could leave the folder.
  StatusOr<std::string> AttemptFolder(const std::string& attempt_id) const;
  StatusOr<std::string> TrialFolder(const std::string& trial_id) const;
  std::vector<std::string> ListAttempts() const;
  // Makes the trial's folder where it is missing, so that a power cut leaves it there.
  Status MakeTrial(const std::string& trial_id) const;
  // Missing folders are no error; what cannot be removed is left for the next start.
  void RemoveAttempt(const std::string& attempt_id) const;
  void RemoveTrial(const std::string& trial_id) const;
  // Removes the trials that nothing has touched for `age`, but for those in `keep`. Their coordinator gave
  // them to another host, and said nothing here.
  void RemoveOldTrials(std::chrono::hours age, const std::vector<std::string>& keep) const;

 private:
  Folder(std::string path, int lock, Disk& disk) : disk_(disk), path_(std::move(path)), lock_(lock) {}
  Disk& disk_;
  const std::string path_;
  const int lock_;
  std::string identity_;
  std::int64_t starts_ = 0;
};

}  // namespace lorikeet::agent
