#include "coordinator/service/scored_side.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace lorikeet::service {
namespace {

bool SameDocuments(const core::ScoredTrial& a, const core::ScoredTrial& b) {
  return std::equal(a.documents.begin(), a.documents.end(), b.documents.begin(), b.documents.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first; });
}

// Whether both say one and the same thing.
bool OneOf(const std::set<std::string>& a, const std::set<std::string>& b) { return a.size() == 1 && a == b; }

}  // namespace

ScoredSide MakeScoredSide(const std::vector<core::ScoredTrial>& trials) {
  ScoredSide side;
  side.seeds = static_cast<std::int64_t>(trials.size());
  std::int64_t kept_last = 0;
  for (const core::ScoredTrial& trial : trials) {
    side.data.insert(trial.data_fingerprint);
    side.models.insert(trial.model_fingerprint);
    side.builds.insert(trial.build);
    side.precisions.insert(trial.precision);
    kept_last += trial.kept_last ? 1 : 0;
  }
  side.still_improving = kept_last > 0 && 2 * kept_last >= side.seeds;
  for (std::size_t m = 0; m < side.means.size(); ++m) {
    for (const core::ScoredTrial& trial : trials)
      side.means[m] += 100 * (trial.test.*core::kRougeMetrics[m].value);
    if (side.seeds > 0) side.means[m] /= static_cast<double>(side.seeds);
  }
  if (trials.empty() || trials.front().documents.empty()) return side;
  for (const core::ScoredTrial& trial : trials) {
    if (!SameDocuments(trials.front(), trial)) return side;
  }
  for (const auto& [id, scores] : trials.front().documents) side.documents.push_back(id);
  for (std::size_t m = 0; m < side.metrics.size(); ++m) {
    std::vector<std::vector<double>> scores;  // [seeds][documents]
    for (const core::ScoredTrial& trial : trials) {
      std::vector<double>& seed = scores.emplace_back();
      seed.reserve(trial.documents.size());
      for (const auto& [id, rouge] : trial.documents)
        seed.push_back(100 * (rouge.*core::kRougeMetrics[m].value));
    }
    side.metrics[m] = comparison::Summarize(scores);
  }
  return side;
}

std::string WhyNotComparable(const ScoredSide& configuration, const ScoredSide& baseline) {
  if (!OneOf(configuration.data, baseline.data)) {
    return "the documents are not the same in all seeds of it and of the baseline (results.data_fingerprint)";
  }
  if (!OneOf(configuration.models, baseline.models)) {
    return "the base model is not the same in all seeds of it and of the baseline "
           "(results.model_fingerprint)";
  }
  if (configuration.documents != baseline.documents) {
    return "its predictions are not of the documents that the baseline's are of";
  }
  return "";
}

std::string Caveat(const ScoredSide& configuration, const ScoredSide& baseline) {
  std::vector<std::string> caveats;
  const auto add = [&](const char* what, std::set<std::string> ours, const std::set<std::string>& others) {
    if (OneOf(ours, others)) return;
    ours.insert(others.begin(), others.end());
    caveats.push_back(fmt::format("{}: {}", what, fmt::join(ours, ", ")));
  };
  add("trained by several builds", configuration.builds, baseline.builds);
  add("computed in several precisions", configuration.precisions, baseline.precisions);
  return fmt::format("{}", fmt::join(caveats, "; "));
}

}  // namespace lorikeet::service
