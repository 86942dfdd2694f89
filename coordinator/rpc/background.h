// One thread for work that takes long and that nobody else should wait for.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace lorikeet::rpc {

// Thread-safe.
class Background {
 public:
  static constexpr std::size_t kMostWaiting = 64;

  Background();
  // Does what waits first.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // False, with nothing done, where too much waits already.
  [[nodiscard]] bool Post(std::function<void()> work);

 private:
  void Run();

  absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lorikeet::rpc
