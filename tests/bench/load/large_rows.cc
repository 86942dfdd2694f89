// Rows of one large sweep: its submit, status and table, its memory, and a restart with it on file.
#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/bench/load/database.h"
#include "tests/bench/load/measure.h"
#include "tests/bench/load/rows.h"
#include "tests/bench/load/sweep_text.h"

namespace lorikeet::load {
namespace {

constexpr int kRepeats = 5;   // of a look, and
constexpr int kRestarts = 3;  // of a restart: medians
constexpr std::int64_t kFinishers = 256;
constexpr auto kSettle = std::chrono::seconds(3);
const char* const kName = "large";

struct Cost {
  double seconds = 0, cpu = 0;  // cpu: of the coordinator
};

std::string Describe(const Cost& cost) {
  return fmt::format("{:.3f} s (CPU {:.3f} s)", cost.seconds, cost.cpu);
}

// The medians of a few calls. Of a coordinator that the call starts anew, all its CPU time counts.
StatusOr<Cost> CostOf(int repeats, Cluster& cluster, const std::function<Status()>& call) {
  std::vector<double> seconds, cpu;
  for (int i = 0; i < repeats; ++i) {
    const pid_t pid = cluster.coordinator().pid();
    const double start = Now(), cpu_start = cluster.coordinator().CpuSeconds();
    RETURN_IF_ERROR(call());
    seconds.push_back(Now() - start);
    cpu.push_back(cluster.coordinator().CpuSeconds() - (cluster.coordinator().pid() == pid ? cpu_start : 0));
  }
  return Cost{Percentile(seconds, 0.5), Percentile(cpu, 0.5)};
}

Status Look(Cluster& cluster, const std::string& key, const std::string& state, Table& table) {
  Client& client = cluster.client();
  ASSIGN_OR_RETURN(const Cost status,
                   CostOf(kRepeats, cluster, [&] { return client.GetSweep(kName).status(); }));
  std::size_t lines = 0;
  ASSIGN_OR_RETURN(const Cost tabled, CostOf(kRepeats, cluster, [&]() -> Status {
                     ASSIGN_OR_RETURN(const std::string text, client.GetTable(kName));
                     lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
                     return absl::OkStatus();
                   }));
  table.Add("  its status, " + state, "0.5 s", Describe(status), "status_s_" + key, status.seconds);
  table.Add("  its table, " + state, "0.5 s", fmt::format("{}, {} lines", Describe(tabled), lines),
            "table_s_" + key, tabled.seconds);
  return absl::OkStatus();
}

StatusOr<Cost> SubmitLarge(Cluster& cluster, const LoadOptions& options) {
  const std::string text = SweepText(kName, options.large, options.seeds);
  return CostOf(1, cluster, [&]() -> Status {
    ASSIGN_OR_RETURN(const v1::SubmitResponse response, cluster.client().Submit(text));
    if (response.trials() == options.large) return absl::OkStatus();
    return Internal("a sweep of {} trials was submitted, and one of {} was taken", options.large,
                    response.trials());
  });
}

}  // namespace

Status LargeSweep(const LoadOptions& options, Table& table) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Cluster> cluster, Cluster::Start(options));
  ASSIGN_OR_RETURN(const Cost submit, SubmitLarge(*cluster, options));
  table.Add(fmt::format("submit of a sweep of {} trials", options.large), "2 s",
            fmt::format("{}, at most {} seeds", Describe(submit), options.seeds), "submit_large_s",
            submit.seconds);
  RETURN_IF_ERROR(Look(*cluster, "pending", "pending", table));
  ASSIGN_OR_RETURN(std::unique_ptr<Fleet> fleet,
                   cluster->Connect(std::min(kFinishers, options.large), /*waits=*/false, MakeNoOpTrials));
  Tally& tally = fleet->tally();
  RETURN_IF_ERROR(
      fleet->WaitUntil([&] { return tally.results >= options.large; }, options.finish_seconds).status());
  const std::vector<std::string> finished = fleet->Finished();
  if (options.complete && std::ssize(finished) < options.large) {
    return Unavailable("{} of {} trials ended within {:.0f} s", finished.size(), options.large,
                       options.finish_seconds);
  }
  fleet.reset();
  RETURN_IF_ERROR(Look(*cluster, "results", fmt::format("with {} results", finished.size()), table));
  cluster->coordinator().Kill();
  return CheckResults(cluster->coordinator().database(), finished);
}

Status MemoryATrial(const LoadOptions& options, Table& table) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Cluster> cluster, Cluster::Start(options));
  // What the first calls leave behind is no trial's. Both coordinators that are looked at were started anew
  // over a small sweep, or over the large one beside it.
  RETURN_IF_ERROR(cluster->client().Submit(SweepText("first", 1, 1)).status());
  const auto restarted = [&]() -> StatusOr<std::int64_t> {
    RETURN_IF_ERROR(cluster->Restart());
    RETURN_IF_ERROR(cluster->client().GetSweep("first").status());
    return cluster->coordinator().ResidentBytes();
  };
  ASSIGN_OR_RETURN(const std::int64_t before, restarted());
  RETURN_IF_ERROR(SubmitLarge(*cluster, options).status());
  std::this_thread::sleep_for(kSettle);
  ASSIGN_OR_RETURN(const std::int64_t after, cluster->coordinator().ResidentBytes());
  ASSIGN_OR_RETURN(const std::int64_t anew, restarted());
  const auto each = [&](std::int64_t bytes) {
    return static_cast<double>(bytes - before) / static_cast<double>(options.large);
  };
  table.Add("memory a pending trial", "1,000 B",
            fmt::format("{:.0f} B (resident {:.1f} MB before, {:.1f} MB after {} trials)", each(after),
                        static_cast<double>(before) * 1e-6, static_cast<double>(after) * 1e-6, options.large),
            "bytes_a_pending_trial", each(after));
  table.Add("  of a coordinator restarted with them", "1,000 B", fmt::format("{:.0f} B", each(anew)),
            "bytes_a_pending_trial_restarted", each(anew));
  return absl::OkStatus();
}

Status Restart(const LoadOptions& options, Table& table) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Cluster> cluster, Cluster::Start(options));
  RETURN_IF_ERROR(SubmitLarge(*cluster, options).status());
  ASSIGN_OR_RETURN(const Cost cost, CostOf(kRestarts, *cluster, [&]() -> Status {
                     RETURN_IF_ERROR(cluster->Restart());
                     ASSIGN_OR_RETURN(const v1::SweepStatus status, cluster->client().GetSweep(kName));
                     if (status.pending() == options.large) return absl::OkStatus();
                     return Internal("{} of {} trials came back", status.pending(), options.large);
                   }));
  table.Add(fmt::format("killed and started again with {} trials: until it answers", options.large), "2 s",
            fmt::format("{}, the median of {}", Describe(cost), kRestarts), "restart_s", cost.seconds);
  return absl::OkStatus();
}

}  // namespace lorikeet::load
