// The rows of the table. Each starts a coordinator of its own over a new folder, and removes the folder
// again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "tests/bench/load/client.h"
#include "tests/bench/load/coordinator_process.h"
#include "tests/bench/load/fleet.h"
#include "tests/bench/load/table.h"

namespace lorikeet::load {

struct LoadOptions {
  std::string coordinator;  // the program
  std::string scratch;      // a folder on a disk
  bool keep = false;        // the data folders
  bool complete = false;    // a row whose trials have not all ended in time fails
  std::int64_t slots = 1, streams_per_connection = 1;
  std::int64_t lease_seconds = 60;
  std::vector<std::int64_t> workers = {8, 256};  // of row 1
  std::int64_t trials = 50'000;
  double most_seconds = 60;  // of row 1 and of one point of the growth
  std::int64_t submits = 300;
  std::int64_t heartbeat_workers = 5'000;
  double heartbeat_seconds = 60;
  std::int64_t large = 100'000;  // trials of the large sweep
  std::int64_t seeds = 10;       // of it
  double finish_seconds = 600;   // for the large sweep's trials to end
  std::vector<std::int64_t> pending = {100, 1'000, 10'000, 100'000};
  std::int64_t decisions = 2'000;  // trials looked at, a size
  std::int64_t metric_workers = 200;
  double metric_seconds = 20;
};

Status NoOpTrials(const LoadOptions& options, Table& table);           // 1
Status SubmitToGrant(const LoadOptions& options, Table& table);        // 2
Status Heartbeats(const LoadOptions& options, Table& table);           // 3
Status LargeSweep(const LoadOptions& options, Table& table);           // 4
Status SchedulingDecisions(const LoadOptions& options, Table& table);  // 5
Status MemoryATrial(const LoadOptions& options, Table& table);         // 6
Status MetricPoints(const LoadOptions& options, Table& table);         // 7
Status Restart(const LoadOptions& options, Table& table);              // 8
// For plots, as CSV on standard output: "series,x,value".
Status Growth(const LoadOptions& options);

// ---- what rows share ----

// A coordinator over a new folder of the scratch folder, and a client. The folder goes with it unless it is
// kept.
class Cluster {
 public:
  static StatusOr<std::unique_ptr<Cluster>> Start(const LoadOptions& options);
  ~Cluster();

  CoordinatorProcess& coordinator() { return *coordinator_; }
  Client& client() { return *client_; }
  // Kills the coordinator and starts it again over the same folder, until it answers.
  Status Restart();
  // A fleet of its own; workers, slots and sharing as asked.
  StatusOr<std::unique_ptr<Fleet>> Connect(
      std::int64_t workers, bool waits, const std::function<std::unique_ptr<Work>(Tally&)>& make_work) const;

 private:
  explicit Cluster(const LoadOptions& options) : options_(options) {}
  Status Open();

  const LoadOptions& options_;
  std::string folder_;
  std::unique_ptr<CoordinatorProcess> coordinator_;
  std::unique_ptr<Client> client_;
};

struct Throughput {
  std::int64_t trials = 0;
  double seconds = 0;  // from the first grant to the last acknowledged result
  double coordinator_cpu = 0, generator_cpu = 0;
  double PerSecond() const { return seconds > 0 ? static_cast<double>(trials) / seconds : 0; }
};
// Submits a sweep of `trials` and lets `workers` do them, at most most_seconds; looks whether all that was
// acknowledged is in the database of the killed coordinator.
StatusOr<Throughput> RunTrials(const LoadOptions& options, std::int64_t workers, std::int64_t trials);
// Microseconds of the coordinator's CPU a trial while about `pending` wait.
StatusOr<double> DecisionMicroseconds(const LoadOptions& options, std::int64_t pending);

}  // namespace lorikeet::load
