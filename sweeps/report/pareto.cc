#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>
#include <string_view>

#include "sweeps/report/benchmarks.h"
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

// The costs that `sweepctl bench` measures, by where they are read.
struct BenchmarkCost {
  const char* name;
  bool merged;  // LoRA folded into the weights; a prompt as it is
  double Benchmark::*value;
};
constexpr BenchmarkCost kBenchmarkCosts[] = {
    {"bench_latency_p50_seconds", false, &Benchmark::latency_p50_seconds},
    {"bench_tokens_per_second", false, &Benchmark::tokens_per_second},
    {"merged_latency_p50_seconds", true, &Benchmark::latency_p50_seconds},
    {"merged_tokens_per_second", true, &Benchmark::tokens_per_second}};

const BenchmarkCost* FindBenchmarkCost(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kBenchmarkCosts), std::end(kBenchmarkCosts),
                                         [&](const BenchmarkCost& cost) { return name == cost.name; });
  return found == std::end(kBenchmarkCosts) ? nullptr : found;
}

std::optional<double> ReadCost(const Benchmarks& measured, const BenchmarkCost& cost,
                               const ParetoPoint& point) {
  const Benchmark* best = nullptr;
  for (const Benchmark& row : measured.rows) {
    // A full fine-tuning is the base model's size, but writes summaries of other lengths.
    const bool speed = cost.value == &Benchmark::tokens_per_second;
    const bool base = point.arm == "zero_shot" || (point.arm == "full" && speed);
    if (row.variant == "base" ? !base : row.configuration != point.configuration) continue;
    if (row.variant == "merged" && !cost.merged) continue;
    if (best == nullptr || row.variant == "merged") best = &row;
  }
  return best == nullptr ? std::nullopt : std::optional(best->*cost.value);
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
       .more_is_better = true},
      {.name = "bench_latency_p50_seconds",
       .label = "one summary, p50",
       .unit = "s",
       .more_is_better = false},
      {.name = "bench_tokens_per_second", .label = "speed alone", .unit = "tokens/s", .more_is_better = true},
      {.name = "merged_latency_p50_seconds",
       .label = "one summary, merged, p50",
       .unit = "s",
       .more_is_better = false},
      {.name = "merged_tokens_per_second",
       .label = "speed merged",
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
  std::vector<const BenchmarkCost*> benchmarks;  // by panel; null: a trial's cost
  for (const Cost& known : Costs()) names.emplace_back(known.name);
  if (!cost.empty()) RETURN_IF_ERROR(OneOf("cost", cost, names).status());
  const Benchmarks measured = ReadBenchmarks(database, facts.name);
  read.benchmark_device_model = measured.device_model;
  for (const Cost& known : Costs()) {
    const BenchmarkCost* const benchmark = FindBenchmarkCost(known.name);
    if (cost.empty() ? benchmark != nullptr && measured.rows.empty() : cost != known.name) continue;
    read.panels.push_back({.cost = known, .points = {}});
    wanted.emplace_back(benchmark != nullptr ? "NULL" : known.name);
    benchmarks.push_back(benchmark);
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
      if (benchmarks[i] != nullptr) point.cost = ReadCost(measured, *benchmarks[i], point);
      read.panels[i].points.push_back(point);
    }
  }
  for (ParetoPanel& panel : read.panels) MarkFront(panel);
  read.device_models.assign(models.begin(), models.end());
  return read;
}

}  // namespace lorikeet::report
