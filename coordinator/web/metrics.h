// The coordinator's metrics: counted as things happen, and written in Prometheus' text format when asked.
//
// docs/metrics.md has the table of them all, which a test holds to a real scrape.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "coordinator/service/observer.h"

namespace lorikeet::web {

struct MetricsOptions {
  std::string version, build;
  std::string database_path;
  std::int64_t reserve_bytes = 0;  // below so much room nothing is granted
};

// Thread-safe. Being told costs some atomic additions, or the lock of one histogram for as many; a scrape
// copies what stands there, histogram by histogram, and never waits for the service.
class Metrics : public service::Observer {
 public:
  // The clock outlives it.
  Metrics(MetricsOptions options, const Clock& clock);
  ~Metrics() override;

  // Everything, as text/plain; version=0.0.4.
  std::string Text() const;
  // How long the service has not finished a turn; nothing before its first. It takes a few a second.
  std::optional<Duration> SinceLastTurn() const;

  void TurnDone(Duration time, bool failed) override;
  void Committed(const service::Tally& tally, Duration time) override;
  void Stands(const service::Overview& overview) override;
  void Answered(Asked asked, Duration time) override;
  void Waiting(std::size_t requests) override;
  void StreamOpened() override;
  void StreamEnded(const std::string& code) override;
  void MessageRefused(const std::string& message) override;
  void CallDone(const std::string& code) override;

 private:
  struct Counted;  // prometheus-cpp's

  const MetricsOptions options_;
  const Clock& clock_;
  const std::unique_ptr<Counted> counted_;
  std::atomic<SteadyTime::rep> last_turn_{0};  // 0: none yet
  mutable absl::Mutex mutex_;                  // held to exchange a pointer
  std::shared_ptr<const service::Overview> overview_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lorikeet::web
