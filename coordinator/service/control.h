// What people do to what is there: pause and resume a sweep, retry what has ended badly, drain a
// worker, readmit one from its quarantine.
//
// Each is one transaction, and asking twice changes nothing. Not thread-safe: the service's.
#pragma once

#include <string>

#include "coordinator/service/change.h"

namespace lorikeet::service {

class Control {
 public:
  explicit Control(Context& context) : context_(context) {}

  StatusOr<Paused> Pause(const std::string& sweep);
  StatusOr<Paused> Resume(const std::string& sweep);
  StatusOr<Retried> Retry(const std::string& name);
  StatusOr<Prioritized> SetPriority(const std::string& sweep, std::int64_t priority);
  // `state` of these two answers is left to the caller, who has the view.
  StatusOr<Drained> Drain(const std::string& worker, bool undo);
  StatusOr<Readmitted> Readmit(const std::string& worker);

 private:
  StatusOr<Paused> MoveTo(const SweepRecord& record, core::SweepState state, const std::string& note);
  StatusOr<Retried> RetrySweep(const SweepRecord& sweep);
  StatusOr<Retried> RetryTrial(const TrialRecord& trial);

  Context& context_;
};

}  // namespace lorikeet::service
