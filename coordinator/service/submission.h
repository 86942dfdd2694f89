// Takes sweeps in, and takes sweeps and trials out again.
//
// Not thread-safe: the service's.
#pragma once

#include <string>
#include <vector>

#include "coordinator/service/change.h"
#include "sweeps/spec/spec.h"

namespace lorikeet::service {

class Submission {
 public:
  explicit Submission(Context& context) : context_(context) {}

  // Stores the sweep with all its trials in one transaction. FailedPrecondition, with nothing stored, where
  // workers are connected and none of them could ever hold its trials; without workers that is a warning.
  StatusOr<Submitted> Submit(const spec::Sweep& sweep);
  // Both are idempotent: what has ended stays as it is, and nothing is an error.
  StatusOr<Cancelled> CancelSweep(const std::string& sweep);
  StatusOr<Cancelled> CancelTrial(const std::string& trial);

 private:
  StatusOr<std::vector<std::string>> CheckWorkers(const spec::Sweep& sweep) const;

  Context& context_;
};

}  // namespace lorikeet::service
