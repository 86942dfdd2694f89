// Keeps `comparisons` beside the results: each configuration against its sweep's baseline, once every trial
// of both has ended, and the verdicts over all of a sweep's.
//
// What is due stands in State::due, marked as trials end (state.cc); a retried trial takes its rows away in
// its own transaction (change.cc). So rows that are there are right, and after a restart only what has none
// is due. A tick does a bounded part of it: predictions are read on the service's thread.
//
// Not thread-safe: the service's.
#pragma once

#include "common/status.h"
#include "coordinator/comparison/verdict.h"
#include "coordinator/service/change.h"
#include "coordinator/service/foreign_comparing.h"
#include "coordinator/service/metric_comparing.h"

namespace lorikeet::service {

// What stands against a verdict on the configuration.
comparison::Side SideOf(const SweepRecord& sweep, const ConfigurationRecord& record);

class Comparing {
 public:
  explicit Comparing(Context& context) : context_(context) {}

  // A part of what is due, in the turn that is open. What fails stays due.
  Status CatchUp();

 private:
  // The configuration's rows, with no verdict yet; adds to `read` how many predictions that took.
  Status CompareOne(const SweepRecord& sweep, const ConfigurationRecord& configuration, std::int64_t& read);
  // Corrects the sweep's p-values for each other and gives the verdicts; of how many rows.
  StatusOr<std::int64_t> JudgeSweep(const SweepRecord& sweep);
  // Which configuration is compared next; there is one.
  std::pair<std::string, std::int64_t> Next() const;
  StatusOr<std::shared_ptr<const ScoredSide>> BaselineOf(const SweepRecord& sweep, std::int64_t& read);

  Context& context_;
  MetricComparing metrics_{context_};
  ForeignComparing foreign_{context_};
};

}  // namespace lorikeet::service
