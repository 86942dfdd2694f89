// coordinator_load: simulated workers and clients against the real sweep-coordinator, over gRPC on loopback.
//
// How it measures. Each row starts the given program over a new folder of --scratch, which must lie on a
// disk: an acknowledgement waits for that disk. A simulated worker is a Session stream with Hello, grants,
// reports, acknowledgements and renewals, as worker.proto has them, and nothing behind it. A no-op trial is
// Grant, one EventBatch of Started and Result (no predictions) with AttemptClosed behind it, Ack. Each worker
// has a connection of its own, unless --streams-per-connection says otherwise, and a fleet connects a few at
// a time. Generator and coordinator share the machine's cores, so the CPU time of both stands beside a rate.
// Where results or points are counted, the coordinator is killed (SIGKILL) and its database read: every
// acknowledged result must be a row, of one attempt. A worker whose stream breaks fails its row.
//
// - Row 1: no-op trials a second, from the first grant to the last acknowledged result.
// - Row 2: from sending a Submit (of one trial) to the grant's arrival at a worker; nothing else goes on.
// - Row 3: workers that hold a running attempt each and renew at Welcome's interval, each in its turn.
// - Row 4: one large sweep: submitted, looked at (medians of 5), done by 256 workers for at most
//   --finish-seconds, looked at again.
// - Row 5: the coordinator's CPU a trial, with 16 workers, over the first --decisions trials of a sweep of so
//   many; small sweeps follow each other. Neither submits nor connecting are in it.
// - Row 6: resident memory before and after the large sweep's submit.
// - Row 7: one attempt a worker, messages of 100 points, 4 under way; what is stored must be what was
//   acknowledged.
// - Row 8: SIGKILL with the large sweep on file, and a new start until GetSweep answers (the median of 3).
//
// --quick makes every row small, for a test: figures mean nothing then, counts are checked all the same.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>

#include "common/command_line.h"
#include "common/rpc/channel.h"
#include "tests/bench/load/measure.h"
#include "tests/bench/load/rows.h"

namespace {

using namespace lorikeet;        // NOLINT(google-build-using-namespace): the program's own
using namespace lorikeet::load;  // NOLINT(google-build-using-namespace)

using Row = Status (*)(const LoadOptions&, Table&);
constexpr Row kRows[] = {NoOpTrials,          SubmitToGrant, Heartbeats,   LargeSweep,
                         SchedulingDecisions, MemoryATrial,  MetricPoints, Restart};

struct Flags {
  std::vector<int> rows;
  std::string json;
  bool growth = false, quick = false;
};

void MakeQuick(LoadOptions& options) {
  options.workers = {8};
  options.trials = 500;
  options.submits = 5;
  options.lease_seconds = 6;  // so that leases are renewed meanwhile
  options.heartbeat_workers = 20;
  options.heartbeat_seconds = 1.5;
  options.large = 200;
  options.pending = {20};
  options.decisions = 40;
  options.metric_workers = 4;
  options.metric_seconds = 0.3;
  options.complete = true;
}

Status Run(const LoadOptions& options, const Flags& flags) {
  ASSIGN_OR_RETURN(const bool in_memory, IsInMemory(options.scratch));
  if (in_memory && !flags.quick) {
    return InvalidArgument(
        "--scratch {}: lies in memory, where a commit waits for nothing; name a folder on a disk",
        options.scratch);
  }
  if (flags.growth) return Growth(options);
  Table table;
  Status failed;
  for (int row = 1; row <= static_cast<int>(std::size(kRows)); ++row) {
    if (!flags.rows.empty() && std::find(flags.rows.begin(), flags.rows.end(), row) == flags.rows.end())
      continue;
    std::fprintf(stderr, "row %d\n", row);
    const Status status = Annotate(kRows[row - 1](options, table), fmt::format("row {}", row));
    if (status.ok()) continue;
    // The others may be had all the same.
    std::fprintf(stderr, "%s\n", Message(status).c_str());
    table.Add(fmt::format("row {}", row), "", "failed: " + Message(status), fmt::format("row_{}", row),
              nullptr);
    failed.Update(status);
  }
  std::fputs(table.Text().c_str(), stdout);
  if (!flags.json.empty()) RETURN_IF_ERROR(table.WriteJson(flags.json));
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Loads a sweep-coordinator with simulated workers, and prints what it bore",
               "coordinator_load");
  LoadOptions options;
  Flags flags;
  app.add_option("--coordinator", options.coordinator, "The program")->required()->check(CLI::ExistingFile);
  app.add_option("--scratch", options.scratch, "Folder on a disk for the data folders")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--rows", flags.rows, "Which rows, such as 1,5")->delimiter(',')->check(CLI::Range(1, 8));
  app.add_option("--json", flags.json, "Write the figures there too");
  app.add_flag("--growth", flags.growth,
               "Instead of the table: CSV of trials a second by workers, cost by pending");
  app.add_flag("--quick", flags.quick, "Everything small: a test of the program itself");
  app.add_flag("--keep", options.keep, "Leave the data folders");
  app.add_option("--workers", options.workers, "Row 1")->delimiter(',')->check(CLI::PositiveNumber);
  app.add_option("--slots", options.slots, "Of each worker")->check(CLI::PositiveNumber);
  app.add_option("--streams-per-connection", options.streams_per_connection)->check(CLI::PositiveNumber);
  app.add_option("--trials", options.trials, "Row 1")->check(CLI::PositiveNumber);
  app.add_option("--most-seconds", options.most_seconds, "Row 1: stop there")->check(CLI::PositiveNumber);
  app.add_option("--heartbeat-workers", options.heartbeat_workers, "Row 3")->check(CLI::PositiveNumber);
  app.add_option("--heartbeat-seconds", options.heartbeat_seconds, "Row 3")->check(CLI::PositiveNumber);
  app.add_option("--large", options.large, "Rows 4, 6, 8: trials of the large sweep")
      ->check(CLI::PositiveNumber);
  app.add_option("--seeds", options.seeds, "Rows 1, 3, 4, 6, 7, 8: at most so many in a sweep")
      ->check(CLI::PositiveNumber);
  app.add_option("--finish-seconds", options.finish_seconds, "Row 4: for its trials to end");
  app.add_option("--pending", options.pending, "Row 5")->delimiter(',')->check(CLI::PositiveNumber);
  app.add_option("--decisions", options.decisions, "Row 5: trials a size")->check(CLI::PositiveNumber);
  app.add_option("--metric-workers", options.metric_workers, "Row 7")->check(CLI::PositiveNumber);
  app.add_option("--metric-seconds", options.metric_seconds, "Row 7")->check(CLI::PositiveNumber);
  PrepareCommandLine(app);
  if (const auto exit_code = ParseCommandLine(app, argc, argv)) return *exit_code;
  if (flags.quick) MakeQuick(options);
  rpc::PrepareGrpc();
  return ExitWith(Run(options, flags), app.get_name());
}
