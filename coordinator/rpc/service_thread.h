// The one thread that calls the service. What gRPC's threads bring waits for it, and is done in turns.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/status.h"
#include "coordinator/service/request_queue.h"

namespace lorikeet::rpc {

// Thread-safe. Service, clock and observer outlive it.
class ServiceThread {
 public:
  // Both are called from the thread. `on_fatal`, once: nothing more can be promised, and the process must
  // end. `on_turn`: after every turn, a few times a second at the least.
  // `observer` may be null.
  ServiceThread(service::Service& service, const Clock& clock, service::Observer* observer,
                std::function<void(const Status&)> on_fatal, std::function<void()> on_turn);
  ~ServiceThread() { Stop(); }
  ServiceThread(const ServiceThread&) = delete;
  ServiceThread& operator=(const ServiceThread&) = delete;

  // Never blocks. The request's functions are called from the service's thread, or, once that has stopped,
  // `done` from here.
  void Post(service::Request request);
  // Does what waits, then ends the thread. Posting goes on being allowed, and is refused.
  void Stop();

 private:
  void Run();

  const Clock& clock_;
  const std::function<void(const Status&)> on_fatal_;
  const std::function<void()> on_turn_;
  service::RequestQueue queue_;  // the thread's

  absl::Mutex mutex_;
  std::vector<service::Request> posted_ ABSL_GUARDED_BY(mutex_);
  Status stopped_ ABSL_GUARDED_BY(mutex_);  // not OK: why nothing is done any more
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lorikeet::rpc
