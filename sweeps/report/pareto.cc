#include <algorithm>
#include <numeric>
#include <set>

#include "sweeps/report/readers.h"
#include "sweeps/report/sweep.h"

namespace lorikeet::report {
namespace {

// A row is on the front where no other is at least as good in both, and better in one.
void MarkFront(ParetoPanel& panel) {
  std::vector<ParetoPoint*> points;
  for (ParetoPoint& point : panel.points) {
    if (point.cost && point.score.mean) points.push_back(&point);
  }
  const auto cost = [&](const ParetoPoint* point) {
    return panel.cost.more_is_better ? -*point->cost : *point->cost;
  };
  std::stable_sort(points.begin(), points.end(), [&](const ParetoPoint* a, const ParetoPoint* b) {
    return cost(a) != cost(b) ? cost(a) < cost(b) : *a->score.mean > *b->score.mean;
  });
  // The best of what costs less, and the first of those that cost the same, which is their best.
  const ParetoPoint *best = nullptr, *first = nullptr;
  for (ParetoPoint* point : points) {
    if (first == nullptr || cost(point) > cost(first)) {
      if (first != nullptr && first->front) best = first;
      first = point;
    }
    point->front = *point->score.mean == *first->score.mean &&
                   (best == nullptr || *point->score.mean > *best->score.mean);
  }
}

}  // namespace

const std::vector<Cost>& Costs() {
  static const std::vector<Cost> kCosts = {
      {.name = "trainable_parameters", .label = "trainable parameters", .unit = "", .more_is_better = false},
      {.name = "adapter_bytes", .label = "size of what is kept", .unit = "B", .more_is_better = false},
      {.name = "train_seconds", .label = "training time", .unit = "s", .more_is_better = false},
      {.name = "tokens_per_second", .label = "training speed", .unit = "tokens/s", .more_is_better = true},
      {.name = "peak_memory_bytes", .label = "peak memory", .unit = "B", .more_is_better = false},
      {.name = "latency_p50_seconds",
       .label = "latency of a batch, p50",
       .unit = "s",
       .more_is_better = false},
      {.name = "latency_p95_seconds",
       .label = "latency of a batch, p95",
       .unit = "s",
       .more_is_better = false},
      {.name = "generated_tokens_per_second",
       .label = "generation speed",
       .unit = "tokens/s",
       .more_is_better = true}};
  return kCosts;
}

StatusOr<Pareto> ReadPareto(SQLite::Database& database, const SweepFacts& facts, const std::string& metric,
                            const std::string& cost) {
  Pareto read;
  read.sweep = facts;
  read.metric = metric;
  std::vector<std::string> names, wanted;
  for (const Cost& known : Costs()) names.emplace_back(known.name);
  if (!cost.empty()) RETURN_IF_ERROR(OneOf("cost", cost, names).status());
  for (const Cost& known : Costs()) {
    if (!cost.empty() && cost != known.name) continue;
    read.panels.push_back({.cost = known, .points = {}});
    wanted.emplace_back(known.name);
  }
  SQLite::Statement row(
      database, fmt::format("SELECT arm, configuration, baseline, seeds, {0}_mean, {0}_sd, device_model, {1}"
                            " FROM rouge_table WHERE sweep = ?",
                            metric, fmt::join(wanted, ", ")));
  row.bind(1, facts.name);
  std::set<std::string> models;
  while (row.executeStep()) {
    ParetoPoint point;
    point.arm = row.getColumn(0).getString();
    point.configuration = row.getColumn(1).getString();
    point.baseline = row.getColumn(2).getInt() != 0;
    point.reference = point.arm == "zero_shot" || point.arm == "lead";
    point.score = MakeScore(row.getColumn(3).getInt64(), FiniteNumber(row.getColumn(4)),
                            FiniteNumber(row.getColumn(5)));
    if (!row.isColumnNull(6)) models.insert(row.getColumn(6).getString());
    for (std::size_t i = 0; i < read.panels.size(); ++i) {
      point.cost = FiniteNumber(row.getColumn(7 + static_cast<int>(i)));
      if (point.cost && *point.cost < 0) point.cost.reset();
      read.panels[i].points.push_back(point);
    }
  }
  for (ParetoPanel& panel : read.panels) MarkFront(panel);
  read.device_models.assign(models.begin(), models.end());
  return read;
}

}  // namespace lorikeet::report
