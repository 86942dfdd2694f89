// How things stand now, asked of the service's thread for the page: progress, remaining time, workers.
//
// Thread-safe. Whoever asks waits, for some seconds at the most; the service's thread never does. Sweeps and
// workers are remembered for a moment, so that many open pages cost it no more than one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/status.h"
#include "coordinator/service/service.h"

namespace lorikeet::web {

class Live {
 public:
  using Work = std::function<Status(service::Service&)>;
  // Has `work` done by the service's thread, then calls `done`, once, from any thread; never blocks.
  using Ask = std::function<void(Work work, std::function<void(const Status&)> done)>;
  static constexpr std::chrono::seconds kAnswersWithin{5};
  static constexpr std::chrono::milliseconds kFresh{300};

  explicit Live(Ask ask) : ask_(std::move(ask)) {}
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  struct Picture {
    std::vector<service::SweepView> sweeps;  // the newest first; without their files' texts
    std::vector<service::WorkerView> workers;
    std::vector<service::TrialView> running;  // of all sweeps
    SteadyTime taken{};
  };
  // Errors of all of these: Unavailable where the service does not answer in time or has ended.
  StatusOr<std::shared_ptr<const Picture>> Now();
  StatusOr<service::SweepView> Sweep(const std::string& id);
  StatusOr<service::TrialView> Trial(const std::string& id);

  // From here on nobody is asked. The service may go once this has returned.
  void Close();

 private:
  template <typename T>
  StatusOr<T> Get(std::function<StatusOr<T>(service::Service&)> read);

  absl::Mutex mutex_;
  Ask ask_ ABSL_GUARDED_BY(mutex_);  // null: closed
  std::shared_ptr<const Picture> last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet::web
