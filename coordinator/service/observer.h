// What happens in the coordinator, as told to whoever counts it: the seam between the service and its
// metrics.
//
// Every function is called where the thing happens, by the service's thread or one of gRPC's: an observer is
// thread-safe, quick, and never calls back. What a transaction records is told after its commit, and not at
// all where that fails.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "coordinator/core/types.h"

namespace lorikeet::service {

// What one committed turn has recorded.
struct Tally {
  std::int64_t sweeps_submitted = 0;
  std::int64_t grants = 0;
  std::int64_t results = 0;
  std::int64_t leases_expired = 0;
  std::int64_t events = 0, metric_points = 0;  // of attempts; points are events too
  std::int64_t quarantines = 0;                // of workers
  // How attempts ended: succeeded, returned, superseded, cancelled, or what failed them (a kind of
  // common/failure_kinds.h).
  std::map<std::string, std::int64_t> attempts_ended;
};

// How things stand, from one moment.
struct Overview {
  using TrialCounts = std::array<std::int64_t, 5>;  // by core::TrialState
  struct SweepTrials {
    std::string sweep;  // its name
    TrialCounts trials{};
  };
  // A scrape is not to grow with the history: of the sweeps that have not ended, at most so many, the newest.
  static constexpr std::size_t kMostSweeps = 50;

  TrialCounts trials{};                  // of all sweeps
  std::array<std::int64_t, 4> sweeps{};  // by core::SweepState
  std::vector<SweepTrials> open_sweeps;  // running or paused
  std::int64_t trials_backing_off = 0;   // of the pending ones
  std::int64_t attempts_lost = 0;        // whose trials have not been granted again
  std::int64_t workers_known = 0;        // connected or not
  std::int64_t workers_connected = 0, workers_draining = 0, workers_quarantined = 0;  // of the connected ones
  std::int64_t slots = 0, slots_busy = 0;  // of the connected workers
  bool short_of_room = false;              // nothing is granted: the disk has less than the reserve
};

class Observer {
 public:
  virtual ~Observer() = default;
  // A turn is over, failed or not; with how many requests are left waiting.
  virtual void TurnDone(Duration, bool /*failed*/) {}
  virtual void Committed(const Tally&, Duration /*of the commit alone*/) {}
  // At most once a second.
  virtual void Stands(const Overview&) {}

  enum class Asked { kWorker, kChange, kLook };  // a worker's message; a client's call that acts, or looks
  // From its arrival until its answer, after the commit.
  virtual void Answered(Asked, Duration) {}
  virtual void Waiting(std::size_t /*requests*/) {}

  // A worker's stream. `code` is gRPC's name: OK where the worker closed it.
  virtual void StreamOpened() {}
  virtual void StreamEnded(const std::string& /*code*/) {}
  // What a worker said is over a limit or makes no sense; `message` is hello, renew, events, …
  virtual void MessageRefused(const std::string& /*message*/) {}
  // A client's call, by gRPC's name of its outcome.
  virtual void CallDone(const std::string& /*code*/) {}
};

}  // namespace lorikeet::service
