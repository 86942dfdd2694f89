// What clients see of the state. Read-only, but for what it remembers of ended trials' attempts.
//
// Not thread-safe: under the service's mutex.
#pragma once

#include <string>
#include <vector>

#include "coordinator/service/change.h"

namespace lorikeet::service {

class Views {
 public:
  explicit Views(Context& context) : context_(context) {}

  std::vector<SweepView> Sweeps() const;  // the newest first
  SweepView Sweep(const SweepRecord& record) const;
  // By position.
  StatusOr<std::vector<TrialView>> Trials(const SweepRecord& sweep);
  // With its attempts.
  StatusOr<TrialView> TrialWithAttempts(TrialRecord& record);
  std::vector<WorkerView> Workers() const;

 private:
  StatusOr<TrialView> Trial(const SweepRecord& sweep, TrialRecord& record);

  Context& context_;
};

}  // namespace lorikeet::service
