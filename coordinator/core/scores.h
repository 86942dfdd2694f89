// Scores that come from outside: summaries of runs that were made elsewhere, and metrics beside the trainer's
// ROUGE. Plain types.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/types.h"

namespace lorikeet::core {

// Of a document of the test split.
struct ForeignSummary {
  std::string document_id, summary;
  RougeF1 rouge;
};

// A configuration or an imported row, with a seed, scored by one metric.
struct ScoreRun {
  std::string metric, configuration;
  std::int64_t seed = 0;
  std::vector<std::pair<std::string, double>> documents;  // of the test split, by id
};

// An imported row whose summaries are here.
struct TestedRow {
  std::string name;
  std::vector<std::int64_t> seeds;
};

// An imported row beside the baseline; the comparison's configuration_id is 0.
struct ForeignComparison {
  std::string name;
  Comparison comparison;
  friend bool operator==(const ForeignComparison&, const ForeignComparison&) = default;
};

}  // namespace lorikeet::core
