#include "coordinator/service/compared_row.h"

#include <utility>

namespace lorikeet::service {

void Fill(const comparison::Inference& inference, core::Comparison& row) {
  row.standard_error = inference.standard_error;
  row.degrees = inference.degrees;
  row.low = inference.low;
  row.high = inference.high;
  row.p_value = inference.p_value;
  row.p_not_worse = inference.p_not_worse;
  row.p_equivalent = inference.p_equivalent;
  row.detectable = inference.detectable;
}

std::vector<core::Comparison> CompareByRouge(const core::Comparison& row, const ScoredSide& side,
                                             const ScoredSide& baseline, const VerdictSettings& asked,
                                             const Obstacles& obstacles, const std::string& caveat) {
  const std::string& why = obstacles.not_comparable.empty() ? obstacles.withheld : obstacles.not_comparable;
  std::vector<core::Comparison> rows;
  for (std::size_t m = 0; m < side.metrics.size(); ++m) {
    core::Comparison& one = rows.emplace_back(row);
    one.metric = core::kRougeMetrics[m].name;
    one.seeds = side.seeds;
    one.baseline_seeds = baseline.seeds;
    one.reason = why.empty() ? caveat : why;
    if (!why.empty() && one.metric == asked.primary) {
      one.verdict = comparison::Name(comparison::Verdict::kWithheld);
    }
    if (!obstacles.not_comparable.empty() || side.documents.empty()) {
      one.difference = side.means[m] - baseline.means[m];  // as in the table, and nothing more
      continue;
    }
    one.documents = static_cast<std::int64_t>(side.documents.size());
    const comparison::Difference difference =
        comparison::Compare(side.metrics[m], baseline.metrics[m], asked.margin);
    one.difference = difference.difference;
    if (difference.inference && obstacles.withheld.empty()) Fill(*difference.inference, one);
  }
  return rows;
}

comparison::Judged JudgeRow(const core::Comparison& row, const ScoredSide& baseline) {
  return comparison::Judge(row.difference,
                           {.p_value = row.p_corrected.value_or(1),
                            .p_not_worse = row.p_not_worse_corrected.value_or(1),
                            .p_equivalent = row.p_equivalent_corrected.value_or(1)},
                           baseline.still_improving);
}

}  // namespace lorikeet::service
