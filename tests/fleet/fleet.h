// A fleet under faults: the real coordinator and the real workers' sessions, with pretended time, network and
// trainers. What is promised is looked at after every commit, in the database.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fleet/coordinator.h"
#include "tests/fleet/fairness.h"
#include "tests/fleet/host.h"
#include "tests/fleet/ledger.h"
#include "tests/fleet/people.h"
#include "tests/fleet/world.h"

namespace lorikeet::fleet {

struct FleetOptions {
  std::uint64_t seed = 1;
  std::string folder;  // there, and empty
  Rules rules;
  bool faults = true;
  bool keep_notes = false;
};

class Fleet {
 public:
  explicit Fleet(const FleetOptions& options);
  ~Fleet();

  // Faults for a while, then none, until every sweep has ended or should have. What was broken, or nothing.
  std::string Run();

  const World& world() const { return world_; }
  std::int64_t faults() const { return faults_; }
  // Of those that succeeded, by their names.
  std::map<std::string, double> Scores() const { return ledger_->Scores(); }
  // How often that happened: "quarantined", "barred".
  std::int64_t Count(const std::string& kind) const { return ledger_->Count(kind); }

 private:
  // A client that asks again until it is answered.
  void Submit(const spec::Sweep& sweep);
  void PlanFault();
  void OneFault();
  void RestartCoordinator();
  void Watch();
  // Starts what is down.
  void Calm();
  void LetGo();
  bool Ended();
  void Check();
  // After each turn of the coordinator's.
  void CheckTurns();
  // Once all is over: nothing is left of it.
  void CheckTidy();
  void Broken(const std::string& what);

  const FleetOptions options_;
  World world_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<People> people_;
  std::vector<std::unique_ptr<Host>> hosts_;
  bool calm_ = false;
  std::int64_t faults_ = 0;
  Fairness fairness_;
  std::string broken_;
};

}  // namespace lorikeet::fleet
