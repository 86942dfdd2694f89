// Many workers that hold a trial each and renew its lease.
#include "tests/bench/load/measure.h"
#include "tests/bench/load/rows.h"
#include "tests/bench/load/sweep_text.h"

namespace lorikeet::load {
namespace {

constexpr double kMostStartSeconds = 300;

}  // namespace

Status Heartbeats(const LoadOptions& options, Table& table) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Cluster> cluster, Cluster::Start(options));
  const std::int64_t workers = options.heartbeat_workers;
  const std::int64_t held = workers * options.slots;
  // First, so that each starts its trial as it connects: what is measured comes later, and should not begin
  // with a jam.
  RETURN_IF_ERROR(cluster->client().Submit(SweepText("held", held, options.seeds)).status());
  const double start = Now();
  ASSIGN_OR_RETURN(const std::unique_ptr<Fleet> fleet,
                   cluster->Connect(workers, /*waits=*/false, MakeHeldTrials));
  const double connected = Now();
  Tally& tally = fleet->tally();
  ASSIGN_OR_RETURN(const bool all,
                   fleet->WaitUntil([&] { return tally.started >= held; }, kMostStartSeconds));
  if (!all)
    return Unavailable("{} of {} attempts had started after {:.0f} s", tally.started.load(), held,
                       kMostStartSeconds);
  const double started = Now();
  fleet->TakeRenewals();
  const double cpu = cluster->coordinator().CpuSeconds(), own = OwnCpuSeconds();
  const auto never = [] { return false; };
  RETURN_IF_ERROR(fleet->WaitUntil(never, options.heartbeat_seconds).status());
  const double seconds = Now() - started;
  const double cores = (cluster->coordinator().CpuSeconds() - cpu) / seconds;
  const double own_cores = (OwnCpuSeconds() - own) / seconds;
  const std::vector<double> renewals = fleet->TakeRenewals();
  if (renewals.empty()) return Internal("no lease was renewed in {:.0f} s", seconds);
  if (tally.taken_back != 0 || tally.not_renewed != 0) {
    return Internal("{} attempts were taken back and {} leases not renewed", tally.taken_back.load(),
                    tally.not_renewed.load());
  }
  table.Add(
      fmt::format("{} workers with heartbeats: coordinator's cores", workers), "0.5",
      fmt::format(
          "{:.2f} over {:.0f} s (generator {:.2f}; {} streams a connection; {:.1f} s to connect, {:.1f} s "
          "to start all)",
          cores, seconds, own_cores, options.streams_per_connection, connected - start, started - connected),
      "heartbeat_cores", cores);
  const double p99 = Percentile(renewals, 0.99) * 1e3;
  table.Add("  Renew to Renewed, p99", "100 ms",
            fmt::format("{:.1f} ms ({} renewals, every {:.0f} s a worker)", p99, renewals.size(),
                        static_cast<double>(tally.renew_milliseconds) / 1000),
            "renew_p99_ms", p99);
  return absl::OkStatus();
}

}  // namespace lorikeet::load
