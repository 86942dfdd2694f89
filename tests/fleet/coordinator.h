// The coordinator's process: its store, service and streams, which all go when it is killed, and start again
// from what the disk holds.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "coordinator/rpc/worker_dialogue.h"
#include "coordinator/service/request_queue.h"
#include "coordinator/service/service.h"
#include "coordinator/store/store.h"
#include "tests/coordinator/store/failing_vfs.h"
#include "tests/fleet/network.h"
#include "tests/fleet/rules.h"
#include "tests/fleet/world.h"

namespace lorikeet::fleet {

using rpc::WorkerDialogue;

class Coordinator {
 public:
  // `folder` is there. `rules`: what is broken on purpose.
  Coordinator(World& world, std::string folder, Rules rules);
  ~Coordinator() { Kill(); }

  bool up() const { return service_ != nullptr; }
  // Up, and not stopped: whoever asks is answered.
  bool answers() const { return up() && !halting_.stopped(); }
  service::Service& service() { return *service_; }
  // Whether there is a database, and power to read it.
  bool readable() const { return !database_.empty() && drive_.powered(); }
  // For reading, beside the process.
  std::unique_ptr<SQLite::Database> OpenDatabase() const;
  // Another number whenever it has started from its file.
  std::uint64_t memory() const { return memory_; }
  HostClock& clock() { return clock_; }

  void Start();
  // kill -9, now.
  void Kill();
  // kill -9 at the n-th write from now: `committed` or not.
  void KillAtWrite(std::int64_t n, bool committed) { dies_in_ = n, dies_committed_ = committed; }
  // SIGSTOP, and SIGCONT after a while: nothing is read and nothing done; what comes waits.
  void Stop(Duration time);
  // Another program holds the database; the disk has no room for what is new.
  void Lock(Duration time) { locked_until_ = world_.now() + time; }
  void FillDisk(Duration time) { full_until_ = world_.now() + time; }
  // The disk under the database fails at its n-th change from now: the process ends, or with kPowerCut the
  // whole machine.
  void FailDiskAt(std::int64_t n, store::Fault fault) { drive_.Follow(FaultAt(fault, store::kChanges, n)); }
  void MendDisk() { drive_.Follow({}); }
  // A worker's stream arrives. Without a process there is nobody: false.
  bool Accept(const std::shared_ptr<Stream>& stream);

  // A file of a trial's, as artifact_service.cc takes it: offered, written, given its row. `answer` hears of
  // it, unless the process is killed meanwhile.
  using Answer = std::function<void(const Status&)>;
  void TakeArtifact(core::Artifact artifact, const std::string& worker_id, const std::string& content,
                    const Answer& answer);
  struct Given {
    core::Token token = 0;
    std::string content;
  };
  // `given` is filled before a good answer.
  void GiveCheckpoint(const std::string& trial_id, const service::Lease& lease, const std::string& worker_id,
                      Given& given, const Answer& answer);
  // What lies in its artifacts' folder, by path; it outlives the process.
  const std::map<std::string, std::string>& files() const { return files_; }

  // Attempts whose result has been acknowledged.
  const std::set<std::string>& promised() const { return promised_; }
  // Why it could not start again, or nothing.
  const std::string& broken() const { return broken_; }
  // Called after each thing that the process has done.
  std::function<void()> settle;
  // Called where nobody may have the database open: the power comes back.
  std::function<void()> let_go;

 private:
  class Connection;

  StatusOr<std::unique_ptr<store::Store>> OpenStore();
  // Every state that a sweep, trial or attempt goes from and to is written down beside it, in the same
  // transaction.
  void WatchStates() const;
  void Tick(std::uint64_t life);
  void Post(WorkerDialogue::Work work, std::function<void(const Status&)> done);
  void RunTurn(std::uint64_t life);
  // `what` is done in this life: now, or once the process goes on.
  void Do(std::uint64_t life, std::function<void()> what);
  // Whether the process must end: of its disk, or because it was killed.
  bool MayFail() const { return dying_ || drive_.faults() > drive_faults_; }
  // After something was asked of the service: whether the process lives on.
  bool Settle(const Status& status);
  void NoteAck(const v1::Ack& ack);
  // As of workers that do not say what their files are.
  static void HideFiles(v1::WorkerMessage& message);
  // The same events under an older token, with other numbers in them: must come to nothing.
  void Forge(v1::WorkerMessage message, WorkerDialogue& dialogue);

  World& world_;
  const std::string folder_;
  const Rules rules_;
  HostClock clock_;
  Halting halting_;
  store::FailingDisk drive_;
  store::FailingVfs vfs_;
  std::int64_t drive_faults_ = 0;  // when the process started
  std::string database_;           // empty: never started
  std::uint64_t life_ = 0;         // of the process
  std::uint64_t memory_ = 0;
  std::int64_t dies_in_ = 0;
  bool dies_committed_ = false, dying_ = false;
  SteadyTime locked_until_{}, full_until_{};
  std::string broken_;
  core::Token reported_token_ = 0;
  std::unique_ptr<store::Store> disk_;   // the real one
  std::unique_ptr<store::Store> store_;  // what the service sees of it
  std::unique_ptr<service::Service> service_;
  std::unique_ptr<service::RequestQueue> queue_;
  bool turn_planned_ = false;
  std::multiset<std::string> forged_;                 // attempts whose next Ack answers a forged report
  std::vector<std::shared_ptr<Stream>> streams_;      // in the order they came
  std::map<std::string, std::int64_t> results_sent_;  // attempt to the number of its result
  std::set<std::string> promised_;
  std::map<std::string, std::string> files_;
};

}  // namespace lorikeet::fleet
