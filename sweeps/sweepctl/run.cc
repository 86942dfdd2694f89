#include "sweeps/sweepctl/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "sweeps/sweepctl/client.h"
#include "sweeps/sweepctl/follow.h"
#include "sweeps/sweepctl/interrupt.h"
#include "sweeps/sweepctl/local_cluster.h"
#include "sweeps/sweepctl/submit.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

constexpr auto kWorkersStartWithin = std::chrono::seconds(60);

// Two workers show the real system at work and use two cores as well as one worker would; a machine with GPUs
// gets one worker for all of them.
std::int64_t DefaultWorkers(std::int64_t gpus, std::int64_t threads) {
  return gpus == 0 && threads >= 2 ? 2 : 1;
}

Status CheckRunning(LocalCluster& cluster) {
  if (Interrupts() > 0) return Aborted("interrupted; the same command goes on where it stopped");
  return cluster.Check();
}

bool Ended(const v1::SweepStatus& sweep) {
  return sweep.state() == "finished" || sweep.state() == "cancelled";
}

// Whether the coordinator has a sweep of this name already, whatever its content.
StatusOr<bool> IsKnown(Client& client, const std::string& name) {
  ASSIGN_OR_RETURN(const v1::ListSweepsResponse list, client.ListSweeps());
  return std::any_of(list.sweeps().begin(), list.sweeps().end(),
                     [&](const v1::SweepStatus& sweep) { return sweep.name() == name; });
}

// How many of the worker's slots a trial of the sweep could take.
std::int64_t SlotsFor(const v1::WorkerStatus& worker, const ResourceSettings& resources) {
  return std::count_if(worker.slots().begin(), worker.slots().end(), [&](const auto& slot) {
    const bool gpu = slot.device().rfind("cuda", 0) == 0;
    const bool fits = slot.memory_bytes() == 0 || slot.memory_bytes() >= resources.memory_bytes.value_or(0);
    return fits && (gpu || resources.gpus == 0);
  });
}

// Waits for the workers and refuses a sweep that none of them could ever hold.
Status CheckCapacity(Client& client, LocalCluster& cluster, std::int64_t workers, const SweepFile& file) {
  const ResourceSettings& resources = file.sweep.resources;
  const auto deadline = std::chrono::steady_clock::now() + kWorkersStartWithin;
  for (;;) {
    RETURN_IF_ERROR(CheckRunning(cluster));
    ASSIGN_OR_RETURN(const v1::ListWorkersResponse list, client.ListWorkers());
    std::int64_t connected = 0, most_slots = 0, most_memory = 0;
    for (const v1::WorkerStatus& worker : list.workers()) {
      if (worker.state() != "connected") continue;
      ++connected;
      most_slots = std::max(most_slots, SlotsFor(worker, resources));
      for (const auto& slot : worker.slots()) most_memory = std::max(most_memory, slot.memory_bytes());
    }
    if (connected >= workers) {
      if (std::max<std::int64_t>(1, resources.gpus) <= most_slots) return absl::OkStatus();
      const std::string gpus = fmt::format("{} GPU{}", resources.gpus, resources.gpus == 1 ? "" : "s");
      const std::string memory = resources.memory_bytes
                                     ? fmt::format(" with {} of memory", FormatBytes(*resources.memory_bytes))
                                     : "";
      return InvalidArgument(
          "{}: resources: a trial wants {}{}, and no worker of this machine has more than {}{}; "
          "ask for less{}",
          file.path, resources.gpus > 0 ? gpus : "a slot", memory,
          resources.gpus > 0 ? fmt::format("{} such", most_slots) : "",
          resources.memory_bytes
              ? fmt::format("{}{} in a slot", resources.gpus > 0 ? " and " : "", FormatBytes(most_memory))
              : "",
          resources.gpus > 0 ? ", or for gpus: 0 to train on CPUs" : "");
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return Unavailable("{} of {} local workers connected", connected, workers);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// The file's sweep, submitted: for a sweep that is new here only once workers that can hold it are there, so
// that nothing is stored otherwise. Starts no worker for a sweep that has ended already.
StatusOr<v1::SweepStatus> SubmitToCluster(Client& client, LocalCluster& cluster, const SweepFile& file,
                                          const std::vector<WorkerShare>& shares, const std::string& data) {
  const auto workers = static_cast<std::int64_t>(shares.size());
  ASSIGN_OR_RETURN(const bool known, IsKnown(client, file.sweep.name));
  if (known) {
    ASSIGN_OR_RETURN(const v1::SubmitResponse submitted, SubmitSweep(client, file));
    ASSIGN_OR_RETURN(v1::SweepStatus sweep, client.GetSweep(submitted.sweep_id()));
    if (Ended(sweep)) return sweep;
  }
  RETURN_IF_ERROR(cluster.StartWorkers(shares, file.sweep.labels));
  RETURN_IF_ERROR(CheckCapacity(client, cluster, workers, file));
  ASSIGN_OR_RETURN(const v1::SubmitResponse submitted, SubmitSweep(client, file));
  for (const std::string& warning : submitted.warnings())
    fmt::print(stderr, "warning: {}\n", Printable(warning));
  fmt::print(stderr, "{} {} ({}): {} trials on {} local worker{}\n", known ? "going on with" : "running",
             submitted.name(), submitted.sweep_id(), submitted.trials(), workers, workers == 1 ? "" : "s");
  if (IsTerminal(STDERR_FILENO)) {
    fmt::print(stderr, "to look from another terminal: sweepctl trials {} --data {}\n", submitted.name(),
               data);
  }
  return client.GetSweep(submitted.sweep_id());
}

// The sweep to its end, and its table. The coordinator reads the table: another reader would leave files
// beside a database that is complete alone.
StatusOr<v1::SweepStatus> RunInCluster(const RunOptions& options, LocalCluster& cluster,
                                       const SweepFile& file, const std::vector<WorkerShare>& shares,
                                       std::string& table, std::vector<std::string>& ended) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Client> client,
      Client::Create(
          {.coordinator = cluster.address(), .token_file = cluster.token_file(), .tls_ca = {}, .data = {}}));
  ASSIGN_OR_RETURN(v1::SweepStatus sweep, SubmitToCluster(*client, cluster, file, shares, options.data));
  if (!Ended(sweep)) {
    ASSIGN_OR_RETURN(
        sweep, FollowSweep(*client, {.sweep = sweep.id(), .check = [&] { return CheckRunning(cluster); }}));
  }
  v1::GetTableRequest request;
  request.set_sweep(sweep.id());
  request.set_format(options.format);
  request.set_colour(WantsColour(STDOUT_FILENO));
  ASSIGN_OR_RETURN(const v1::GetTableResponse response, client->GetTable(request));
  table = response.text();
  if (Ended(sweep)) {
    ASSIGN_OR_RETURN(const v1::ListTrialsResponse trials, client->ListTrials(sweep.id()));
    for (const v1::TrialStatus& trial : trials.trials()) ended.push_back(trial.id());
  }
  return sweep;
}

// What to type next, for people.
void PrintNext(const RunOptions& options, const std::string& sweep) {
  fmt::print(
      stderr,
      "\nresults    {0}/results.db\nthe table  sweepctl table {1} --db '{0}'\nSQL        sqlite3 -line "
      "'{0}/results.db' 'select * from rouge_table'\nlogs       {0}/logs\n",
      options.data, sweep);
}

}  // namespace

Status RunSweep(const RunOptions& options) {
  ASSIGN_OR_RETURN(const SweepFile file, ReadSweepFile(options.file, /*check_files=*/true));
  const std::int64_t gpus = CountGpus();
  const std::int64_t threads = std::max<std::int64_t>(1, std::thread::hardware_concurrency());
  ASSIGN_OR_RETURN(const std::vector<WorkerShare> shares,
                   SplitMachine(options.workers.value_or(DefaultWorkers(gpus, threads)), gpus, threads));
  unsetenv("LORIKEET_TLS_CA");  // of a coordinator elsewhere: ours, and its workers, speak on the loopback
  CountInterrupts();

  int tolerated = 0;  // one Ctrl-C ends the run in good order; while it ends, a further one ends it at once
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalCluster> cluster,
                   LocalCluster::Start({.programs = options.programs, .data = options.data, .give_up = [&] {
                                          return Interrupts() > tolerated;
                                        }}));
  std::string table;
  std::vector<std::string> ended;  // trials that will not run again
  const StatusOr<v1::SweepStatus> sweep = RunInCluster(options, *cluster, file, shares, table, ended);
  Status outcome = sweep.status();
  // A child that ended says more than the call that it did not answer.
  if (const Status child = cluster->Check(); absl::IsUnavailable(outcome) && !child.ok()) outcome = child;
  tolerated = Interrupts();
  if (tolerated > 0) fmt::print(stderr, "handing the running trials back; Ctrl-C again to leave at once\n");
  Status stopped = cluster->Stop();
  if (stopped.ok()) cluster->ForgetTrials(ended);
  RETURN_IF_ERROR(outcome);
  fmt::print("{}", table);
  if (std::fflush(stdout) != 0) return Internal("cannot write the table to standard output");
  if (IsTerminal(STDERR_FILENO)) PrintNext(options, file.sweep.name);
  RETURN_IF_ERROR(
      OutcomeOf(*sweep, fmt::format("sqlite3 '{}/results.db' \"select name, failure_kind, failure_message "
                                    "from trials where state = 'failed'\"",
                                    options.data)));
  return stopped;
}

}  // namespace lorikeet::sweepctl
