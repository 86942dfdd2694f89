// One configuration's scores, reduced to what its comparison needs.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "coordinator/comparison/difference.h"
#include "coordinator/core/types.h"

namespace lorikeet::service {

struct ScoredSide {
  std::int64_t seeds = 0;
  std::vector<std::string> documents;        // ids; empty where the seeds were scored on different ones
  std::set<std::string> data, models;        // fingerprints
  std::set<std::string> builds, precisions;  // the trainer's; what it really computed in
  bool still_improving = false;              // at half of the seeds or more, the best checkpoint was the last
  // In ROUGE points; by core::kRougeMetrics.
  std::array<double, std::size(core::kRougeMetrics)> means{};  // over the seeds' results
  // Only where there are documents.
  std::array<comparison::Summary, std::size(core::kRougeMetrics)> metrics;
};

ScoredSide MakeScoredSide(const std::vector<core::ScoredTrial>& trials);

// Why the two cannot be compared at all; empty where they can.
std::string WhyNotComparable(const ScoredSide& configuration, const ScoredSide& baseline);
// What a reader should know of the two beside the verdict; empty where nothing.
std::string Caveat(const ScoredSide& configuration, const ScoredSide& baseline);

}  // namespace lorikeet::service
