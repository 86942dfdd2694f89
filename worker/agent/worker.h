// The worker, composed: folder, slots, trainers, connection and session around one event loop.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/labels.h"
#include "common/rpc/channel.h"
#include "common/status.h"
#include "worker/agent/carrier.h"
#include "worker/agent/connection.h"
#include "worker/agent/devices.h"
#include "worker/agent/disk.h"
#include "worker/agent/fingerprint_thread.h"
#include "worker/agent/folder.h"
#include "worker/agent/gpu_memory.h"
#include "worker/agent/process_launcher.h"
#include "worker/agent/session.h"

namespace lorikeet::agent {

struct WorkerOptions {
  std::string coordinator;  // ADDR:PORT; empty: LORIKEET_COORDINATOR, else 127.0.0.1:7070
  std::string folder;
  SlotSettings slots;
  Labels labels = {};      // which sweeps' trials it may have: those that ask for no others
  std::string token_file;  // empty: LORIKEET_TOKEN_FILE, else where a coordinator on loopback leaves it
  rpc::TlsFiles tls;
  std::vector<std::string> data_roots;  // that trials may read from; none: everywhere
  // A folder that other hosts have too, for the checkpoints of full fine-tuning; empty: none.
  std::string shared_checkpoints = {};
  Duration checkpoint_every =
      std::chrono::seconds(60);  // how often a trial's checkpoint is sent to the coordinator
  Duration orphan_after = std::chrono::hours(1);
  Duration drain_limit = std::chrono::seconds(60);
  // Before a trainer starts: for its files to be read, and its checkpoint to be fetched.
  Duration prepare_limit = std::chrono::minutes(30);
  // How long a checkpoint that the coordinator has is asked for while it cannot be had.
  Duration fetch_patience = std::chrono::minutes(5);
  std::string trainer;                       // empty: sweep-trainer beside this program
  std::vector<std::string> gpu_memory = {};  // what ChildGpuMemory runs; empty: this program, --gpu-memory
  bool handle_signals = false;  // SIGTERM and SIGINT as Stop; blocks them in this thread and those it starts
};

// Not thread-safe, but for Stop.
class Worker {
 public:
  // Locks the folder, looks for devices, ends what an earlier run left behind. Errors are the user's to mend,
  // and say how. What is passed by reference outlives it.
  static StatusOr<std::unique_ptr<Worker>> Create(const WorkerOptions& options, DeviceProbe& devices,
                                                  Disk& disk, Clock& clock, RandomSource& random);
  ~Worker();

  // Until the worker has drained (exit code 0), was replaced or lost its disk (1), or is refused (2).
  Outcome Run();
  // Drains; the second time ends at once, trainers included. May be called from any thread.
  void Stop();

  const std::string& identity() const { return folder_->identity(); }

 private:
  explicit Worker(Clock& clock) : clock_(clock) {}
  Status Prepare(const WorkerOptions& options, DeviceProbe& devices, Disk& disk, RandomSource& random);
  void WaitForSomething();
  // True where the worker must end at once.
  bool HandleStops();

  Clock& clock_;
  int stop_ = -1;     // eventfd, counts calls of Stop
  int signals_ = -1;  // signalfd
  int stops_ = 0;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<ProcessLauncher> launcher_;
  std::unique_ptr<FingerprintThread> fingerprints_;
  std::unique_ptr<ChildGpuMemory> gpu_memory_;  // null without a GPU
  std::unique_ptr<Carrier> carrier_;
  std::unique_ptr<Session> session_;
};

}  // namespace lorikeet::agent
