// The workers' streams that are open: so that a stopping coordinator can end them, and so that none stays
// that has no right to.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/status.h"
#include "coordinator/rpc/access.h"
#include "coordinator/rpc/worker_stream.h"

namespace lorikeet::rpc {

// Thread-safe.
class OpenStreams {
 public:
  // `access` outlives it.
  OpenStreams(SilenceLimits limits, const Access& access) : limits_(limits), access_(access) {}

  // Of a worker that was let in by `token`. Once the coordinator stops, finishes the stream instead and
  // returns false.
  bool Add(const std::shared_ptr<WorkerStream>& stream, const TokenHash& token);
  void Remove(const std::shared_ptr<WorkerStream>& stream);
  // Finishes all with `reason`, and every later one.
  void End(const Status& reason);
  // Ends those that have been silent for too long, and those whose token has been withdrawn. Call it a few
  // times a second: it looks once in one. Where it was not called for a while the process stood still, and
  // what the workers said meanwhile may lie in the sockets.
  void Look(SteadyTime now);

 private:
  void EndWithdrawnLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SilenceLimits limits_;
  const Access& access_;
  absl::Mutex mutex_;
  std::unordered_map<std::shared_ptr<WorkerStream>, TokenHash> streams_ ABSL_GUARDED_BY(mutex_);
  std::int64_t access_seen_ ABSL_GUARDED_BY(mutex_) = -1;  // its version, at the last look
  std::optional<SteadyTime> looked_ ABSL_GUARDED_BY(mutex_);
  SteadyTime awake_ ABSL_GUARDED_BY(mutex_){};  // since when the process has not stood still
  Status ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet::rpc
