// Points of learning curves, sent as fast as they are acknowledged.
#include <atomic>

#include "tests/bench/load/database.h"
#include "tests/bench/load/measure.h"
#include "tests/bench/load/rows.h"
#include "tests/bench/load/sweep_text.h"

namespace lorikeet::load {
namespace {

constexpr double kMostStartSeconds = 60;
constexpr double kMostDrainSeconds = 120;

}  // namespace

Status MetricPoints(const LoadOptions& options, Table& table) {
  std::atomic<bool> stop = false;
  const MetricFlow flow{.stop = stop};
  ASSIGN_OR_RETURN(const std::unique_ptr<Cluster> cluster, Cluster::Start(options));
  const std::int64_t workers = options.metric_workers;
  RETURN_IF_ERROR(cluster->client().Submit(SweepText("metrics", workers, options.seeds)).status());
  ASSIGN_OR_RETURN(std::unique_ptr<Fleet> fleet, cluster->Connect(workers, /*waits=*/true, [&](Tally& tally) {
    return MakeMetricStream(tally, flow);
  }));
  Tally& tally = fleet->tally();
  ASSIGN_OR_RETURN(const bool granted,
                   fleet->WaitUntil([&] { return tally.granted >= workers; }, kMostStartSeconds));
  if (!granted) return Unavailable("{} of {} attempts were granted", tally.granted.load(), workers);
  const double start = Now(), cpu = cluster->coordinator().CpuSeconds(), own = OwnCpuSeconds();
  fleet->Release();
  RETURN_IF_ERROR(fleet->WaitUntil([] { return false; }, options.metric_seconds).status());
  const double seconds = Now() - start;
  const auto points = static_cast<double>(tally.points);
  const double cores = (cluster->coordinator().CpuSeconds() - cpu) / seconds;
  const double own_cores = (OwnCpuSeconds() - own) / seconds;
  stop = true;
  ASSIGN_OR_RETURN(const bool drained,
                   fleet->WaitUntil([&] { return tally.points == tally.points_sent; }, kMostDrainSeconds));
  if (!drained) {
    return Unavailable("{} of {} points were acknowledged", tally.points.load(), tally.points_sent.load());
  }
  cluster->coordinator().Kill();
  ASSIGN_OR_RETURN(const std::int64_t stored, CountPoints(cluster->coordinator().database()));
  if (stored != tally.points) {
    return Internal("{} points were acknowledged, and {} are in the database", tally.points.load(), stored);
  }
  table.Add(
      fmt::format("metric points a second, {} workers", workers), "50,000",
      fmt::format(
          "{:.0f} ({} stored, none lost; messages of {}, {} at a time; {:.2f} cores coordinator, {:.2f} "
          "generator)",
          points / seconds, stored, flow.batch, flow.window, cores, own_cores),
      "metric_points_per_second", points / seconds);
  return absl::OkStatus();
}

}  // namespace lorikeet::load
