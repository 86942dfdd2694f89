// Fingerprints of trials' files, computed one after the other on a thread of their own: a model of gigabytes
// on a slow disk holds up the trials that read it, and no renewal.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "worker/agent/trial_files.h"

namespace lorikeet::agent {

// Its functions are for one thread, that of the session. The destructor ends what is being computed, within a
// piece of a file.
class FingerprintThread : public Fingerprinter {
 public:
  struct Answer {
    std::string attempt_id;
    std::vector<FileFingerprint> found;
  };

  // Internal where the system has no more threads or files.
  static StatusOr<std::unique_ptr<FingerprintThread>> Create(files::FolderCache cache);
  ~FingerprintThread() override;

  void Ask(const std::string& attempt_id, const Trial& trial) override;
  // Readable (poll) once there are answers.
  int wake_file() const { return wake_; }
  std::vector<Answer> Take();

 private:
  FingerprintThread(files::FolderCache cache, int wake) : cache_(std::move(cache)), wake_(wake) {}
  void Loop();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !asked_.empty(); }

  const files::FolderCache cache_;
  const int wake_;  // eventfd
  std::atomic<bool> stopping_{false};
  absl::Mutex mutex_;
  std::deque<std::pair<std::string, Trial>> asked_ ABSL_GUARDED_BY(mutex_);
  std::vector<Answer> answers_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace lorikeet::agent
