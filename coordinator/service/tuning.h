// Chooses rows' settings: once the trials of all a row's candidates have ended, the row becomes the candidate
// that validates best, and its own trials may run.
//
// What is due stands in State::due.rows, marked as trials end (state.cc) and again after a restart. A choice
// is one transaction, and is not made twice: it decides what the row's results are results of.
//
// Not thread-safe: the service's.
#pragma once

#include "common/status.h"
#include "coordinator/service/change.h"

namespace lorikeet::service {

class Tuning {
 public:
  explicit Tuning(Context& context) : context_(context) {}

  // All that is due, in the turn that is open. What fails stays due.
  Status CatchUp();

 private:
  Status Choose(const SweepRecord& sweep, const core::Configuration& row);
  // The row's trials end as its candidates' did.
  Status GiveUp(const SweepRecord& sweep, const core::Configuration& row);

  Context& context_;
};

}  // namespace lorikeet::service
