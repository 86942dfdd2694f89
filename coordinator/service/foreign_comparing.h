// Keeps `foreign_comparisons`: each imported row whose summaries are here against the sweep's baseline, once
// the baseline's trials have ended.
//
// Its p-values are corrected for what was planned and for what came later: by Holm over `sweeps.family` and
// the imported rows together. The sweep's own rows keep their correction over the family alone, which was
// fixed before any result was known; sweeps.extended says that more was looked at since.
//
// Not thread-safe: the service's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "coordinator/service/change.h"

namespace lorikeet::service {

class ForeignComparing {
 public:
  using ReadBaseline = std::function<StatusOr<std::shared_ptr<const ScoredSide>>()>;

  explicit ForeignComparing(Context& context) : context_(context) {}

  // Compares what has no comparison yet and gives the verdicts, in the turn that is open. `own`: the sweep's
  // own rows of `comparisons`. How many scores were read.
  StatusOr<std::int64_t> Judge(const SweepRecord& sweep, const std::vector<core::Comparison>& own,
                               const ReadBaseline& baseline);

 private:
  StatusOr<std::vector<core::ForeignComparison>> CompareOne(const SweepRecord& sweep,
                                                            const core::TestedRow& row,
                                                            const ScoredSide& baseline, std::int64_t& read);

  Context& context_;
};

}  // namespace lorikeet::service
