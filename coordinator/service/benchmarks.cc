#include "coordinator/service/benchmarks.h"

#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "coordinator/service/lookup.h"

namespace lorikeet::service {
namespace {

std::string Name(const core::Benchmark& row) {
  return row.configuration.empty() ? "the base model"
                                   : fmt::format("'{}', {}", row.configuration, row.variant);
}

Status CheckFigures(const core::Benchmark& row) {
  const std::pair<const char*, double> positive[] = {{"latency_p50_seconds", row.latency_p50_seconds},
                                                     {"latency_p95_seconds", row.latency_p95_seconds},
                                                     {"tokens_per_second", row.tokens_per_second}};
  for (const auto& [what, value] : positive) {
    if (!std::isfinite(value) || value <= 0) {
      return InvalidArgument("{}: {}: {}; more than 0", Name(row), what, value);
    }
  }
  if (!std::isfinite(row.tokens_per_summary) || row.tokens_per_summary < 0) {
    return InvalidArgument("{}: tokens_per_summary: {}; at least 0", Name(row), row.tokens_per_summary);
  }
  if (row.batch < 1) return InvalidArgument("{}: batch: {}; at least 1", Name(row), row.batch);
  if (row.extra_tokens < 0) {
    return InvalidArgument("{}: extra_tokens: {}; at least 0", Name(row), row.extra_tokens);
  }
  return absl::OkStatus();
}

Status CheckVariant(const core::Benchmark& row) {
  if (row.configuration.empty()) {
    if (row.variant == "base" && row.trial_id.empty()) return absl::OkStatus();
    return InvalidArgument("a row without a configuration is the base model's: variant base, and no trial");
  }
  if (row.variant == "unmerged" || row.variant == "merged") return absl::OkStatus();
  return InvalidArgument("'{}': variant '{}'; unmerged or merged", row.configuration, row.variant);
}

// The trial whose adapter it was.
Status CheckTrial(State& state, const SweepRecord& sweep, const core::Benchmark& row) {
  const TrialRecord* trial = state.FindTrial(row.trial_id);
  if (trial != nullptr) {
    const auto found = sweep.configurations.find(trial->trial.configuration_id);
    if (found != sweep.configurations.end() && found->second.configuration.name == row.configuration) {
      return absl::OkStatus();
    }
  }
  return NotFound("sweep {} has no trial '{}' of a configuration '{}'", sweep.sweep.name, row.trial_id,
                  row.configuration);
}

}  // namespace

StatusOr<BenchmarksTaken> Benchmarks::Put(core::Benchmarks measured) {
  ASSIGN_OR_RETURN(const SweepRecord* sweep, LookUpSweep(context_.state, measured.sweep_id));
  if (measured.rows.empty()) return InvalidArgument("benchmarks without a row");
  std::set<std::pair<std::string, std::string>> seen;
  for (const core::Benchmark& row : measured.rows) {
    RETURN_IF_ERROR(CheckVariant(row));
    RETURN_IF_ERROR(CheckFigures(row));
    if (!row.configuration.empty()) RETURN_IF_ERROR(CheckTrial(context_.state, *sweep, row));
    if (!seen.emplace(row.configuration, row.variant).second) {
      return InvalidArgument("{}: it is there twice", Name(row));
    }
  }
  measured.sweep_id = sweep->sweep.id;
  BenchmarksTaken taken{.sweep = sweep->sweep.name, .rows = static_cast<std::int64_t>(measured.rows.size())};
  RETURN_IF_ERROR(context_.Apply([&](store::Transaction& transaction, Change& change) -> Status {
    change.NoteSweep(sweep->sweep, "benchmarked",
                     fmt::format("{} rows on {} ({})", taken.rows, measured.device_model, measured.hostname));
    ASSIGN_OR_RETURN(taken.replaced, transaction.scores().PutBenchmarks(measured, change.now()));
    return absl::OkStatus();
  }));
  return taken;
}

}  // namespace lorikeet::service
