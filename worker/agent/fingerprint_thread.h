// Fingerprints of trials' files, computed one after the other on a thread of their own: a model of gigabytes
// on a slow disk holds up the trials that read it, and no renewal.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "worker/agent/trial_files.h"

namespace lorikeet::agent {

// Its functions are for one thread, that of the session. The destructor ends what is being computed, within a
// piece of a file; a read that hangs it leaves behind, with its thread.
class FingerprintThread : public Fingerprinter {
 public:
  struct Answer {
    std::string attempt_id;
    StatusOr<std::vector<FileFingerprint>> found;
  };
  using Compute = std::function<StatusOr<std::vector<FileFingerprint>>(const Trial&, const files::Stop&)>;

  // `patience`: how long its end waits for what is being read. Internal where the system has no more threads
  // or files.
  static StatusOr<std::unique_ptr<FingerprintThread>> Create(Compute compute,
                                                             Duration patience = std::chrono::seconds(2));
  // FingerprintTrial, with this cache.
  static StatusOr<std::unique_ptr<FingerprintThread>> Create(files::FolderCache cache);
  ~FingerprintThread() override;

  void Ask(const std::string& attempt_id, const Trial& trial) override;
  // Readable (poll) once there are answers.
  int wake_file() const;
  std::vector<Answer> Take();

 private:
  struct Shared;  // with the thread, which may be there for longer
  FingerprintThread(std::shared_ptr<Shared> shared, Duration patience);
  static void Loop(Shared& shared);

  const std::shared_ptr<Shared> shared_;
  const Duration patience_;
  std::thread thread_;
};

}  // namespace lorikeet::agent
