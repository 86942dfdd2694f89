// Threads for HTTP connections, and a bound to how many connections wait for one.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace lorikeet::web {

// Thread-safe. Beyond `most_waiting`, Add waits: whoever accepts connections then leaves further ones to the
// kernel, whose queue has an end. So a flood of connections takes none of the files that workers' streams
// need.
class BoundedPool {
 public:
  BoundedPool(std::size_t threads, std::size_t most_waiting);
  // Shutdown has been called.
  ~BoundedPool() = default;
  BoundedPool(const BoundedPool&) = delete;
  BoundedPool& operator=(const BoundedPool&) = delete;

  void Add(std::function<void()> work);
  // Does what waits, then ends the threads.
  void Shutdown();

 private:
  void Run();

  const std::size_t most_waiting_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace lorikeet::web
