// Comparisons by metrics that came from outside (`sweepctl score`, `rescore`): the same paired test, in the
// metric's own unit, and no verdict.
//
// Not thread-safe: the service's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/comparison/difference.h"
#include "coordinator/service/change.h"

namespace lorikeet::service {

// One side of such a comparison.
struct MetricSide {
  std::vector<std::string> documents;  // ids
  comparison::Summary summary;
};
// Of a configuration or an imported row; nothing where not all of `seeds` runs are scored by the metric.
StatusOr<std::optional<MetricSide>> ReadMetricSide(Context& context, const std::string& sweep_id,
                                                   const std::string& metric, const std::string& name,
                                                   std::int64_t seeds);

// `row`, which names the sides, the seeds, and why there is no more than a difference, with the difference by
// `metric`, and with its inference where `row` has a p-value.
core::Comparison CompareByMetric(core::Comparison row, const std::string& metric, const MetricSide& side,
                                 const MetricSide& baseline);

class MetricComparing {
 public:
  explicit MetricComparing(Context& context) : context_(context) {}

  // The configuration's rows by each of `metrics` that all of its and the baseline's results are scored by.
  // `rouge`: its comparison by a ROUGE metric, which has the same reasons to say nothing.
  StatusOr<std::vector<core::Comparison>> Compare(const SweepRecord& sweep,
                                                  const ConfigurationRecord& configuration,
                                                  const core::Comparison& rouge,
                                                  const std::vector<std::string>& metrics);
  // By every metric that the sweep has.
  StatusOr<std::vector<core::Comparison>> CompareByAll(const SweepRecord& sweep,
                                                       const ConfigurationRecord& configuration,
                                                       const core::Comparison& rouge);

 private:
  Context& context_;
};

}  // namespace lorikeet::service
