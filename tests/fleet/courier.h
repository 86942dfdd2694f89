// What carries one host's checkpoints and adapters: late, lost, said twice, and over the same cable as
// everything else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "tests/fleet/coordinator.h"
#include "tests/fleet/network.h"
#include "tests/fleet/world.h"
#include "worker/agent/artifacts.h"

namespace lorikeet::fleet {

class Courier : public agent::Artifacts {
 public:
  Courier(World& world, Coordinator& coordinator, const Cable& cable)
      : world_(world), coordinator_(coordinator), cable_(cable) {}

  void SendCheckpoint(const agent::ArtifactOf& checkpoint) override;
  void Forget(const std::string& attempt_id) override;
  void SendAdapter(const agent::ArtifactOf& adapter) override;
  void FetchCheckpoint(const agent::ArtifactOf& attempt) override;

  // Of the worker's process that lives now: who it is, who hears, and how something of it is done (while it
  // stands still, later).
  void Start(std::string worker_id, agent::ArtifactListener& listener,
             std::function<void(std::function<void()>)> run);
  // With the worker's process.
  void Kill();

 private:
  using Key = std::pair<core::ArtifactKind, std::string>;  // and the attempt
  using Answer = std::function<void(const Status&)>;

  // `what` is done in this life, after a while.
  void Later(Duration wait, std::function<void()> what);
  void Try(const Key& key, int tries);
  // `call` is handed an answer to give; where the cable or the coordinator fails, `done` hears Unavailable.
  void Call(const std::function<void(Answer)>& call, const Answer& done);
  void Fetch(const agent::ArtifactOf& of, int tries);

  World& world_;
  Coordinator& coordinator_;
  const Cable& cable_;
  std::uint64_t life_ = 0;
  std::string worker_id_;
  agent::ArtifactListener* listener_ = nullptr;
  std::function<void(std::function<void()>)> run_;
  std::map<Key, agent::ArtifactOf> items_;
};

}  // namespace lorikeet::fleet
