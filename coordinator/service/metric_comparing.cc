#include "coordinator/service/metric_comparing.h"

#include <utility>

#include "coordinator/service/compared_row.h"

namespace lorikeet::service {
namespace {

// What a comparison is tested against where the margin means nothing: only its difference is used.
constexpr double kAnyMargin = 1;

}  // namespace

StatusOr<std::optional<MetricSide>> ReadMetricSide(Context& context, const std::string& sweep_id,
                                                   const std::string& metric, const std::string& name,
                                                   std::int64_t seeds) {
  ASSIGN_OR_RETURN(const std::vector<core::ScoreRun> runs,
                   context.store.scores().ScoreRuns(sweep_id, metric, name));
  if (runs.empty() || static_cast<std::int64_t>(runs.size()) != seeds) return std::optional<MetricSide>();
  MetricSide side;
  for (const auto& [id, score] : runs.front().documents) side.documents.push_back(id);
  std::vector<std::vector<double>> scores;
  for (const core::ScoreRun& run : runs) {
    std::vector<double>& of_seed = scores.emplace_back();
    for (const auto& [id, score] : run.documents) of_seed.push_back(score);
    if (of_seed.size() != side.documents.size() || of_seed.empty()) return std::optional<MetricSide>();
  }
  side.summary = comparison::Summarize(scores);
  return std::optional(std::move(side));
}

core::Comparison CompareByMetric(core::Comparison row, const std::string& metric, const MetricSide& side,
                                 const MetricSide& baseline) {
  const bool inferred = row.p_value.has_value();
  core::Comparison to{.sweep_id = std::move(row.sweep_id),
                      .configuration_id = row.configuration_id,
                      .baseline_id = row.baseline_id,
                      .metric = metric};
  to.seeds = row.seeds;
  to.baseline_seeds = row.baseline_seeds;
  to.reason = std::move(row.reason);
  if (side.documents != baseline.documents) {
    to.difference = side.summary.mean - baseline.summary.mean;
    return to;
  }
  to.documents = static_cast<std::int64_t>(side.documents.size());
  const comparison::Difference difference = comparison::Compare(side.summary, baseline.summary, kAnyMargin);
  to.difference = difference.difference;
  if (!difference.inference || !inferred) return to;
  Fill(*difference.inference, to);
  to.p_not_worse.reset();  // of no margin
  to.p_equivalent.reset();
  return to;
}

StatusOr<std::vector<core::Comparison>> MetricComparing::Compare(const SweepRecord& sweep,
                                                                 const ConfigurationRecord& configuration,
                                                                 const core::Comparison& rouge,
                                                                 const std::vector<std::string>& metrics) {
  std::vector<core::Comparison> rows;
  const ConfigurationRecord& baseline = sweep.configurations.at(sweep.baseline_id);
  for (const std::string& metric : metrics) {
    const auto read = [&](const ConfigurationRecord& record) {
      return ReadMetricSide(context_, sweep.sweep.id, metric, record.configuration.name,
                            record.Count(core::TrialState::kSucceeded));
    };
    ASSIGN_OR_RETURN(const std::optional<MetricSide> side, read(configuration));
    if (!side) continue;
    ASSIGN_OR_RETURN(const std::optional<MetricSide> other, read(baseline));
    if (other) rows.push_back(CompareByMetric(rouge, metric, *side, *other));
  }
  return rows;
}

StatusOr<std::vector<core::Comparison>> MetricComparing::CompareByAll(
    const SweepRecord& sweep, const ConfigurationRecord& configuration, const core::Comparison& rouge) {
  ASSIGN_OR_RETURN(const std::vector<std::string> metrics, context_.store.scores().Metrics(sweep.sweep.id));
  return Compare(sweep, configuration, rouge, metrics);
}

}  // namespace lorikeet::service
