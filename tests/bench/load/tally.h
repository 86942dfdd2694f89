// What a fleet of simulated workers counts together.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/first_error.h"
#include "tests/bench/load/measure.h"

namespace lorikeet::load {

// Thread-safe. Times are Now()'s; 0: not yet.
class Tally {
 public:
  std::atomic<std::int64_t> welcomed = 0;
  std::atomic<std::int64_t> granted = 0;
  std::atomic<std::int64_t> started = 0;      // attempts whose Started is acknowledged
  std::atomic<std::int64_t> results = 0;      // acknowledged
  std::atomic<std::int64_t> points_sent = 0;  // of metrics
  std::atomic<std::int64_t> points = 0;       // of metrics, acknowledged
  std::atomic<std::int64_t> taken_back = 0;   // attempts: revoked or superseded
  std::atomic<std::int64_t> not_renewed = 0;  // leases that a Renewed left out
  std::atomic<std::int64_t> renew_milliseconds = 0;
  std::atomic<double> first_grant = 0;
  std::atomic<double> last_result = 0;
  FirstError error;  // a stream broke

  void CountGrant() {
    ++granted;
    double none = 0;
    if (first_grant.load(std::memory_order_relaxed) == 0) first_grant.compare_exchange_strong(none, Now());
  }
  void CountResult() {
    ++results;
    last_result = Now();
  }
};

}  // namespace lorikeet::load
