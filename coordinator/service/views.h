// What clients see of the state. Read-only, but for what it remembers of ended trials' attempts.
//
// Not thread-safe: the service's.
#pragma once

#include <string>
#include <vector>

#include "coordinator/scheduler/waiting.h"
#include "coordinator/service/change.h"

namespace lorikeet::service {

class Views {
 public:
  explicit Views(Context& context) : context_(context) {}

  std::vector<SweepView> Sweeps() const;  // the newest first
  SweepView Sweep(const SweepRecord& record) const;
  // By position.
  StatusOr<std::vector<TrialView>> Trials(SweepRecord& sweep);
  // Those that have a lease, by trial.
  StatusOr<std::vector<TrialView>> Running(SweepRecord& sweep);
  // With its attempts.
  StatusOr<TrialView> TrialWithAttempts(TrialRecord& record);
  std::vector<WorkerView> Workers() const;
  WorkerView Worker(const WorkerRecord& record) const;

 private:
  // Trials that ended before this process started: asked of the store once a sweep.
  Status LearnWhereTheyRan(SweepRecord& sweep);
  StatusOr<TrialView> Trial(const SweepRecord& sweep, TrialRecord& record, scheduler::Waiting& waiting);

  Context& context_;
};

}  // namespace lorikeet::service
