// Takes in scores that come from outside: rows of somebody else's with their summaries, and runs scored by
// other metrics. All of an upload is there afterwards, or nothing.
//
// What is replaced goes in the same transaction, and comparisons come with it, where the baseline has ended.
// Not thread-safe: the service's.
#pragma once

#include <string>
#include <vector>

#include "coordinator/service/change.h"
#include "coordinator/service/metric_comparing.h"

namespace lorikeet::service {

class Scores {
 public:
  explicit Scores(Context& context) : context_(context) {}

  // InvalidArgument for what is missing, unknown, twice there or no number, with the run and the document;
  // AlreadyExists for a row with the name of a configuration; NotFound for a run that there is not;
  // FailedPrecondition for one without a result, and for a sweep whose documents have not come.
  StatusOr<ScoresTaken> Put(const ScoresUpload& upload);

 private:
  Status CheckRuns(const SweepRecord& sweep, const ScoresUpload& upload) const;
  Status PutRows(const SweepRecord& sweep, const ScoresUpload& upload);
  Status PutMetrics(const SweepRecord& sweep, const ScoresUpload& upload);

  Context& context_;
  MetricComparing comparing_{context_};
};

}  // namespace lorikeet::service
