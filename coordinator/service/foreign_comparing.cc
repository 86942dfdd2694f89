#include "coordinator/service/foreign_comparing.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "coordinator/comparison/holm.h"
#include "coordinator/comparison/verdict.h"
#include "coordinator/service/compared_row.h"
#include "coordinator/service/comparing.h"
#include "coordinator/service/metric_comparing.h"

namespace lorikeet::service {
namespace {

// An imported row has no fingerprints of its own: its documents were held to the sweep's when it came.
std::string WhyNotComparableWith(const ScoredSide& row, const ScoredSide& baseline) {
  if (baseline.data.size() != 1) {
    return "the documents are not the same in all seeds of the baseline (results.data_fingerprint)";
  }
  if (baseline.models.size() != 1) {
    return "the base model is not the same in all seeds of the baseline (results.model_fingerprint)";
  }
  if (row.documents != baseline.documents) {
    return "its summaries are not of the documents that the baseline's are of";
  }
  return "";
}

// The imported rows' p-values by one metric, among those of the sweep's own rows.
void Correct(const std::string& metric, const std::vector<core::Comparison>& own, std::int64_t family,
             std::vector<core::ForeignComparison>& rows) {
  for (const auto& [raw, corrected] : kCorrections) {
    std::vector<double> p_values;
    std::vector<core::Comparison*> imported;
    for (core::ForeignComparison& row : rows) {
      if (row.comparison.metric != metric || !(row.comparison.*raw)) continue;
      imported.push_back(&row.comparison);
      p_values.push_back(*(row.comparison.*raw));
    }
    if (imported.empty()) continue;
    for (const core::Comparison& row : own) {
      if (row.metric == metric && row.*raw) p_values.push_back(*(row.*raw));
    }
    const std::vector<double> all = comparison::Holm(p_values, family);
    for (std::size_t i = 0; i < imported.size(); ++i) imported[i]->*corrected = all[i];
  }
}

}  // namespace

StatusOr<std::vector<core::ForeignComparison>> ForeignComparing::CompareOne(const SweepRecord& sweep,
                                                                            const core::TestedRow& tested,
                                                                            const ScoredSide& baseline,
                                                                            std::int64_t& read) {
  store::ScoreReader& scores = context_.store.scores();
  ASSIGN_OR_RETURN(const std::vector<core::ScoredTrial> trials,
                   scores.ForeignScores(sweep.sweep.id, tested.name));
  const ScoredSide side = MakeScoredSide(trials);
  read += side.seeds * static_cast<std::int64_t>(side.documents.size());
  const ConfigurationRecord& record = sweep.configurations.at(sweep.baseline_id);
  const Obstacles obstacles{
      .not_comparable = WhyNotComparableWith(side, baseline),
      .withheld = comparison::WhyWithheld({.seeds = side.seeds, .planned = side.seeds}, SideOf(sweep, record),
                                          static_cast<std::int64_t>(side.documents.size()))};
  const core::Comparison sides{.sweep_id = sweep.sweep.id, .baseline_id = sweep.baseline_id, .metric = {}};
  std::vector<core::ForeignComparison> rows;
  for (core::Comparison& one : CompareByRouge(sides, side, baseline, sweep.sweep.verdict, obstacles, "")) {
    rows.push_back({.name = tested.name, .comparison = std::move(one)});
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> metrics, scores.Metrics(sweep.sweep.id));
  const core::Comparison rouge = rows.front().comparison;
  for (const std::string& metric : metrics) {
    ASSIGN_OR_RETURN(const std::optional<MetricSide> own,
                     ReadMetricSide(context_, sweep.sweep.id, metric, tested.name, side.seeds));
    if (!own) continue;
    ASSIGN_OR_RETURN(
        const std::optional<MetricSide> other,
        ReadMetricSide(context_, sweep.sweep.id, metric, record.configuration.name, baseline.seeds));
    if (!other) continue;
    rows.push_back({.name = tested.name, .comparison = CompareByMetric(rouge, metric, *own, *other)});
  }
  return rows;
}

StatusOr<std::int64_t> ForeignComparing::Judge(const SweepRecord& sweep,
                                               const std::vector<core::Comparison>& own,
                                               const ReadBaseline& baseline) {
  if (sweep.baseline_id == 0) return 0;
  const ConfigurationRecord& record = sweep.configurations.at(sweep.baseline_id);
  if (record.Open() > 0 || record.Count(core::TrialState::kSucceeded) == 0) return 0;
  store::ScoreReader& scores = context_.store.scores();
  ASSIGN_OR_RETURN(const std::vector<core::TestedRow> tested, scores.TestedRows(sweep.sweep.id));
  if (tested.empty()) return 0;
  ASSIGN_OR_RETURN(std::vector<core::ForeignComparison> rows, scores.ForeignComparisons(sweep.sweep.id));
  const std::vector<core::ForeignComparison> before = rows;
  std::set<std::string> compared;
  for (const core::ForeignComparison& row : rows) compared.insert(row.name);
  ASSIGN_OR_RETURN(const std::shared_ptr<const ScoredSide> side, baseline());
  std::int64_t read = 0;
  for (const core::TestedRow& row : tested) {
    if (compared.contains(row.name)) continue;
    ASSIGN_OR_RETURN(std::vector<core::ForeignComparison> fresh, CompareOne(sweep, row, *side, read));
    std::move(fresh.begin(), fresh.end(), std::back_inserter(rows));
  }
  std::set<std::string> metrics;
  for (const core::ForeignComparison& row : rows) metrics.insert(row.comparison.metric);
  const std::int64_t family = sweep.sweep.family + static_cast<std::int64_t>(tested.size());
  for (const std::string& metric : metrics) Correct(metric, own, family, rows);
  for (core::ForeignComparison& row : rows) {
    core::Comparison& one = row.comparison;
    if (one.metric != sweep.sweep.verdict.primary || !one.p_corrected) continue;  // no verdict, or withheld
    const comparison::Judged judged = JudgeRow(one, *side);
    one.verdict = comparison::Name(judged.verdict);
    one.reason = judged.reason;
  }
  const auto put = [&](store::Transaction& transaction) -> Status {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i < before.size() && rows[i] == before[i]) continue;
      RETURN_IF_ERROR(transaction.scores().PutForeignComparison(rows[i]));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(context_.turn.Part(put));
  return read;
}

}  // namespace lorikeet::service
