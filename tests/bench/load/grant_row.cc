// From a submit to the grant that a worker receives, where nothing else goes on.
#include <chrono>
#include <thread>

#include "tests/bench/load/measure.h"
#include "tests/bench/load/rows.h"
#include "tests/bench/load/sweep_text.h"

namespace lorikeet::load {
namespace {

constexpr std::int64_t kWorkers = 8;
constexpr double kMostSeconds = 30;
constexpr auto kIdle = std::chrono::milliseconds(10);

}  // namespace

Status SubmitToGrant(const LoadOptions& options, Table& table) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Cluster> cluster, Cluster::Start(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<Fleet> fleet,
                   cluster->Connect(kWorkers, /*waits=*/false, MakeNoOpTrials));
  Tally& tally = fleet->tally();
  std::vector<double> milliseconds;
  for (std::int64_t i = 0; i < options.submits; ++i) {
    const std::string text = SweepText(fmt::format("grant-{}", i), 1, 1);
    tally.first_grant = 0;
    const double start = Now();
    RETURN_IF_ERROR(cluster->client().Submit(text).status());
    ASSIGN_OR_RETURN(const bool done, fleet->WaitUntil([&] { return tally.results > i; }, kMostSeconds));
    if (!done) return Unavailable("the trial of submit {} did not end within {:.0f} s", i, kMostSeconds);
    milliseconds.push_back((tally.first_grant - start) * 1e3);
    std::this_thread::sleep_for(kIdle);
  }
  const double p50 = Percentile(milliseconds, 0.5), p99 = Percentile(milliseconds, 0.99);
  table.Add("submit to the first grant, p50", "20 ms", fmt::format("{:.1f} ms", p50),
            "submit_to_grant_p50_ms", p50);
  table.Add("submit to the first grant, p99", "100 ms",
            fmt::format("{:.1f} ms ({} submits)", p99, milliseconds.size()), "submit_to_grant_p99_ms", p99);
  return absl::OkStatus();
}

}  // namespace lorikeet::load
