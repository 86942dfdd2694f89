// The coordinator's process: its store, service and streams, which all go when it is killed, and start again
// from what the disk holds.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "coordinator/rpc/worker_dialogue.h"
#include "coordinator/service/service.h"
#include "coordinator/store/store.h"
#include "tests/fleet/network.h"
#include "tests/fleet/rules.h"
#include "tests/fleet/world.h"

namespace lorikeet::fleet {

class Coordinator {
 public:
  // `folder` is there. `rules`: what is broken on purpose.
  Coordinator(World& world, std::string folder, Rules rules);
  ~Coordinator() { Kill(); }

  bool up() const { return service_ != nullptr; }
  service::Service& service() { return *service_; }
  const std::string& database() const { return database_; }
  HostClock& clock() { return clock_; }

  void Start();
  // kill -9, now.
  void Kill();
  // kill -9 at the n-th write from now: `committed` or not.
  void KillAtWrite(std::int64_t n, bool committed) { dies_in_ = n, dies_committed_ = committed; }
  // A worker's stream arrives. Without a process there is nobody: false.
  bool Accept(const std::shared_ptr<Stream>& stream);

  // Attempts whose result has been acknowledged.
  const std::set<std::string>& promised() const { return promised_; }
  // Why it could not start again, or nothing.
  const std::string& broken() const { return broken_; }
  // Called after each thing that the process has done.
  std::function<void()> settle;

 private:
  class Connection;

  void Tick(std::uint64_t life);
  // After something was asked of the service: whether the process lives on.
  bool Settle(const Status& status);
  void NoteAck(const v1::Ack& ack);
  // The same events under an older token, with other numbers in them: must come to nothing.
  void Forge(v1::WorkerMessage message, rpc::WorkerDialogue& dialogue);

  World& world_;
  const std::string folder_;
  const Rules rules_;
  HostClock clock_;
  std::string database_;
  std::uint64_t life_ = 0;  // of the process
  std::int64_t dies_in_ = 0;
  bool dies_committed_ = false, dying_ = false, forging_ = false;
  std::string broken_;
  core::Token reported_token_ = 0;
  std::unique_ptr<store::Store> disk_;   // the real one
  std::unique_ptr<store::Store> store_;  // what the service sees of it
  std::unique_ptr<service::Service> service_;
  std::vector<std::shared_ptr<Stream>> streams_;      // in the order they came
  std::map<std::string, std::int64_t> results_sent_;  // attempt to the number of its result
  std::set<std::string> promised_;
};

}  // namespace lorikeet::fleet
