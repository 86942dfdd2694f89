// A fleet under faults: the real coordinator and the real workers' sessions, with pretended time, network and
// trainers. What is promised is looked at after everything that happens.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fleet/coordinator.h"
#include "tests/fleet/host.h"
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
  // Each trial's score by its name, of those that succeeded.
  std::map<std::string, double> Scores() const;
  // What its settings say it must be.
  std::map<std::string, double> TrueScores() const;

 private:
  void Submit(const std::string& name, std::int64_t ranks, std::int64_t seeds);
  void PlanFault();
  void OneFault();
  void RestartCoordinator();
  // Starts what is down.
  void Calm();
  bool Ended();
  void Check();
  void CheckDatabase();
  // Once all is over: nothing is left of it.
  void CheckTidy();
  void Broken(const std::string& what);
  std::vector<std::vector<std::string>> Query(const std::string& sql) const;

  const FleetOptions options_;
  World world_;
  std::unique_ptr<Coordinator> coordinator_;
  std::vector<std::unique_ptr<Host>> hosts_;
  bool calm_ = false;
  std::int64_t faults_ = 0;
  std::uint64_t checks_ = 0;
  std::map<std::string, std::string> ended_;    // trials that are over, and how
  std::map<std::string, std::string> results_;  // trial to the attempt that had the result
  std::string broken_;
  mutable std::unique_ptr<SQLite::Database> reader_;
  mutable std::map<std::string, std::unique_ptr<SQLite::Statement>> statements_;
};

}  // namespace lorikeet::fleet
