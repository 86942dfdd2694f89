// A coordinator and workers as children of this process, in the same folder of state.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/labels.h"
#include "common/status.h"
#include "common/subprocess.h"

namespace lorikeet::sweepctl {

struct LocalClusterOptions {
  std::string programs;  // folder of the programs
  std::string data;      // the coordinator's --data; workers live in data/workers/N, logs in data/logs
  // Asked while waiting: true gives up (Aborted), and ends the children without waiting for them.
  std::function<bool()> give_up = [] { return false; };
};

// GPUs of this machine, as its driver shows them.
std::int64_t CountGpus();

// What one local worker is given of the machine.
struct WorkerShare {
  std::string devices = "auto";  // as sweep-worker's --devices
  std::int64_t threads = 0;      // for a slot; 0: the worker's own choice
};
// Splits a machine: on CPUs the threads, evenly; with GPUs the GPUs (one worker gets them all by itself).
// InvalidArgument where there are GPUs, but fewer than workers.
StatusOr<std::vector<WorkerShare>> SplitMachine(std::int64_t workers, std::int64_t gpus,
                                                std::int64_t threads);

// Not thread-safe. The children end with this process, whatever ends it. They are in process groups of their
// own, so Ctrl-C does not reach them: Stop ends them.
class LocalCluster {
 public:
  // Starts the coordinator on a free loopback port and waits until it answers.
  static StatusOr<std::unique_ptr<LocalCluster>> Start(const LocalClusterOptions& options);
  ~LocalCluster();

  // Starts one worker for each share, with these labels; they connect by themselves.
  Status StartWorkers(const std::vector<WorkerShare>& shares, const Labels& labels = {});

  const std::string& address() const { return address_; }  // 127.0.0.1:PORT
  std::string token_file() const;
  // An error once a child has ended by itself, with the end of its log.
  Status Check();
  // Workers first (they hand their trials back), then the coordinator, which leaves results.db alone
  // complete.
  Status Stop();
  // Lets go of what the workers keep of these trials: checkpoints of attempts that ended elsewhere, or for
  // good.
  void ForgetTrials(const std::vector<std::string>& ids) const;

 private:
  struct Child {
    std::string name, log;
    std::unique_ptr<Subprocess> process;
  };

  explicit LocalCluster(LocalClusterOptions options) : options_(std::move(options)) {}
  std::string PortFile() const;
  Status StartCoordinator();
  Status StartChild(const std::string& name, std::vector<std::string> command);
  Status Failure(const Child& child, const Exit& exit) const;
  // Waits for the child's end after a SIGTERM; kills it where that takes too long.
  Status End(Child& child);

  const LocalClusterOptions options_;
  std::string address_;
  std::vector<Child> children_;  // the coordinator first
};

}  // namespace lorikeet::sweepctl
