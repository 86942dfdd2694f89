// The transfers of files that are open: so many at a time, none of which may stand still.
#pragma once

#include <grpcpp/grpcpp.h>

#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/status.h"
#include "coordinator/rpc/limits.h"

namespace lorikeet::rpc {

// What whoever comes on top is told; `what`: "uploads".
Status TooManyTransfers(const char* what);

// The transfers that are open, so many at most; those that stand still are cut off. Thread-safe.
class Transfers {
 public:
  Transfers(const Clock& clock, int most, Duration silent = kMostSilentTransfer)
      : clock_(clock), most_(most), silent_(silent) {}
  // False where there are too many. `context` stays valid until Remove.
  bool Add(grpc::CallbackServerContext* context);
  void Remove(grpc::CallbackServerContext* context);
  // Something has come, or has gone out.
  void Moved(grpc::CallbackServerContext* context);
  // Ends those that have stood still for too long. Call it a few times a second.
  void Look();

 private:
  const Clock& clock_;
  const int most_;
  const Duration silent_;  // how long one may stand still
  absl::Mutex mutex_;
  std::unordered_map<grpc::CallbackServerContext*, SteadyTime> moved_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet::rpc
