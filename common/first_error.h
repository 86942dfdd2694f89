// The first error that any of several threads met.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"

namespace lorikeet {

// Thread-safe.
class FirstError {
 public:
  void Set(const Status& status) {
    absl::MutexLock lock(&mutex_);
    status_.Update(status);
  }
  Status Get() const {
    absl::MutexLock lock(&mutex_);
    return status_;
  }

 private:
  mutable absl::Mutex mutex_;
  Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet
