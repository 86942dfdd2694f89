// Rows of no-op trials: how many a second, what one costs beside how many wait, and how both grow.
#include <algorithm>
#include <cstdio>

#include "tests/bench/load/database.h"
#include "tests/bench/load/measure.h"
#include "tests/bench/load/rows.h"
#include "tests/bench/load/sweep_text.h"

namespace lorikeet::load {
namespace {

constexpr std::int64_t kDecisionWorkers = 16;
constexpr double kMostDecisionSeconds = 120;
constexpr double kGrowthSeconds = 20;

// Lets the fleet, which holds, do one more sweep of `trials`, or the first `wanted` of it; the coordinator's
// CPU seconds from the moment when all of it waits. The fleet holds again.
StatusOr<Throughput> RunSweep(Cluster& cluster, Fleet& fleet, const std::string& text, std::int64_t trials,
                              std::int64_t wanted) {
  Tally& tally = fleet.tally();
  const std::int64_t granted = tally.granted, results = tally.results;
  RETURN_IF_ERROR(cluster.client().Submit(text).status());
  const std::int64_t holders = std::min(kDecisionWorkers, trials);
  ASSIGN_OR_RETURN(const bool all_granted,
                   fleet.WaitUntil([&] { return tally.granted - granted >= holders; }, kMostDecisionSeconds));
  if (!all_granted) {
    return Unavailable("{} of {} workers were granted a trial", tally.granted - granted, holders);
  }
  Throughput run;
  const double cpu = cluster.coordinator().CpuSeconds(), start = Now();
  fleet.Release();
  ASSIGN_OR_RETURN(const bool done,
                   fleet.WaitUntil([&] { return tally.results - results >= wanted; }, kMostDecisionSeconds));
  run.trials = tally.results - results;
  run.coordinator_cpu = cluster.coordinator().CpuSeconds() - cpu;
  run.seconds = Now() - start;
  fleet.Hold();
  if (!done && run.trials == 0) return Unavailable("no trial ended within {:.0f} s", kMostDecisionSeconds);
  return run;
}

}  // namespace

StatusOr<Throughput> RunTrials(const LoadOptions& options, std::int64_t workers, std::int64_t trials) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Cluster> cluster, Cluster::Start(options));
  ASSIGN_OR_RETURN(std::unique_ptr<Fleet> fleet, cluster->Connect(workers, /*waits=*/false, MakeNoOpTrials));
  Tally& tally = fleet->tally();
  // Submitting is another row's matter: what counts begins with the first grant.
  RETURN_IF_ERROR(cluster->client().Submit(SweepText("trials", trials, options.seeds)).status());
  const double cpu = cluster->coordinator().CpuSeconds(), own = OwnCpuSeconds();
  const std::int64_t before = tally.results;
  RETURN_IF_ERROR(fleet->WaitUntil([&] { return tally.results >= trials; }, options.most_seconds).status());
  Throughput run;
  run.trials = tally.results;
  run.seconds = tally.last_result - tally.first_grant;
  // CPU is counted from the answer to the submit on, so for the trials since.
  const auto share =
      static_cast<double>(run.trials) / static_cast<double>(std::max<std::int64_t>(run.trials - before, 1));
  run.coordinator_cpu = (cluster->coordinator().CpuSeconds() - cpu) * share;
  run.generator_cpu = (OwnCpuSeconds() - own) * share;
  if (tally.taken_back != 0) {
    return Internal("{} attempts of workers that were well were taken back", tally.taken_back.load());
  }
  const bool all = run.trials == trials;
  if (all) {
    // The sweep's end is committed with its last result.
    ASSIGN_OR_RETURN(const v1::SweepStatus status, cluster->client().GetSweep("trials"));
    if (status.succeeded() != trials || status.state() != "finished") {
      return Internal("{} of {} trials succeeded, and the sweep is {}", status.succeeded(), trials,
                      status.state());
    }
  } else if (options.complete) {
    return Unavailable("{} of {} trials ended within {:.0f} s", run.trials, trials, options.most_seconds);
  }
  cluster->coordinator().Kill();
  const std::vector<std::string> finished = fleet->Finished();
  RETURN_IF_ERROR(CheckResults(cluster->coordinator().database(), finished));
  return run;
}

Status NoOpTrials(const LoadOptions& options, Table& table) {
  for (const std::int64_t workers : options.workers) {
    ASSIGN_OR_RETURN(const Throughput run, RunTrials(options, workers, options.trials));
    const auto trials = static_cast<double>(std::max<std::int64_t>(run.trials, 1));
    table.Add(
        fmt::format("no-op trials a second, {} workers", workers),
        workers >= 256 ? "5,000 (aim 10,000)" : "-",
        fmt::format(
            "{:.0f} ({} in {:.1f} s; CPU {:.1f} s coordinator, {:.1f} s generator: {:.0f} + {:.0f} µs a "
            "trial)",
            run.PerSecond(), run.trials, run.seconds, run.coordinator_cpu, run.generator_cpu,
            run.coordinator_cpu / trials * 1e6, run.generator_cpu / trials * 1e6),
        fmt::format("trials_per_second_{}", workers), run.PerSecond());
  }
  return absl::OkStatus();
}

StatusOr<double> DecisionMicroseconds(const LoadOptions& options, std::int64_t pending) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Cluster> cluster, Cluster::Start(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<Fleet> fleet,
                   cluster->Connect(kDecisionWorkers, /*waits=*/true, MakeNoOpTrials));
  Throughput all;
  // Small sweeps one after the other, until there is enough to measure.
  for (int sweep = 0; all.trials < options.decisions; ++sweep) {
    ASSIGN_OR_RETURN(
        const Throughput run,
        RunSweep(*cluster, *fleet, SweepText(fmt::format("pending-{}", sweep), pending, options.seeds),
                 pending, std::min(pending, options.decisions - all.trials)));
    all.trials += run.trials;
    all.coordinator_cpu += run.coordinator_cpu;
    if (run.seconds > kMostDecisionSeconds) break;
  }
  return all.coordinator_cpu / static_cast<double>(all.trials) * 1e6;
}

Status SchedulingDecisions(const LoadOptions& options, Table& table) {
  std::vector<double> costs;
  for (const std::int64_t pending : options.pending) {
    ASSIGN_OR_RETURN(const double cost, DecisionMicroseconds(options, pending));
    costs.push_back(cost);
    table.Add(fmt::format("coordinator CPU a trial, {} pending", pending), "flat within 2×",
              fmt::format("{:.0f} µs", cost), fmt::format("decision_us_{}", pending), cost);
  }
  const auto [least, most] = std::minmax_element(costs.begin(), costs.end());
  table.Add("  the dearest beside the cheapest", "2×", fmt::format("{:.1f}×", *most / *least),
            "decision_growth", *most / *least);
  return absl::OkStatus();
}

Status Growth(const LoadOptions& given) {
  LoadOptions options = given;
  options.most_seconds = std::min(given.most_seconds, kGrowthSeconds);
  std::puts("series,x,value");
  for (const std::int64_t workers : {8, 32, 128, 512, 2048}) {
    ASSIGN_OR_RETURN(const Throughput run, RunTrials(options, workers, options.trials));
    std::printf("trials_per_second_by_workers,%lld,%.1f\n", static_cast<long long>(workers), run.PerSecond());
    std::fflush(stdout);
  }
  for (const std::int64_t pending : options.pending) {
    ASSIGN_OR_RETURN(const double cost, DecisionMicroseconds(options, pending));
    std::printf("coordinator_us_a_trial_by_pending,%lld,%.1f\n", static_cast<long long>(pending), cost);
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace lorikeet::load
