// What a row of `comparisons` and one of `foreign_comparisons` are made and judged by alike.
//
// Pure functions; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/comparison/difference.h"
#include "coordinator/comparison/verdict.h"
#include "coordinator/core/types.h"
#include "coordinator/service/scored_side.h"

namespace lorikeet::service {

// A test's p-value, and where it stands once it is corrected for the other rows.
struct Correction {
  using PValue = std::optional<double> core::Comparison::*;
  PValue raw, corrected;
};
inline constexpr Correction kCorrections[] = {
    {&core::Comparison::p_value, &core::Comparison::p_corrected},
    {&core::Comparison::p_not_worse, &core::Comparison::p_not_worse_corrected},
    {&core::Comparison::p_equivalent, &core::Comparison::p_equivalent_corrected}};

void Fill(const comparison::Inference& inference, core::Comparison& row);

// Why there is less than a comparison: the sides are not of the same, or a verdict would be too early.
struct Obstacles {
  std::string not_comparable, withheld;  // empty: nothing
};
// `side` beside its baseline by each of core::kRougeMetrics, not judged yet but for what is withheld. `row`
// has the ids of the sweep and of both sides. `caveat` is said where nothing stands in the way.
std::vector<core::Comparison> CompareByRouge(const core::Comparison& row, const ScoredSide& side,
                                             const ScoredSide& baseline, const VerdictSettings& asked,
                                             const Obstacles& obstacles, const std::string& caveat);
// Of a row whose p-values are corrected.
comparison::Judged JudgeRow(const core::Comparison& row, const ScoredSide& baseline);

}  // namespace lorikeet::service
