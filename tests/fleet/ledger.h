// What the coordinator's database says, held against what was promised and against what it said before.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fleet/coordinator.h"
#include "tests/fleet/fairness.h"

namespace lorikeet::fleet {

class Ledger {
 public:
  // The coordinator outlives it. `broken` is told of whatever does not hold.
  Ledger(Coordinator& coordinator, std::function<void(const std::string&)> broken)
      : coordinator_(coordinator), broken_(std::move(broken)) {}

  // Holds at any moment: the rules of `sweepctl check`, states that may follow one another, no result gone or
  // changed, limits kept.
  void Check();
  // That, where something was committed since it was looked at.
  void CheckNews();
  // People retry what has ended badly: it may go on.
  void MayGoOn();
  // Holds once all is over: nothing is left of it.
  void CheckTidy();
  // Who waits, and how far the two equal sweeps are from each other.
  Fairness::Look Turns() const;
  // Each trial's score by its name, of those that succeeded; and what its settings, and its sweep's files,
  // say it must be.
  std::map<std::string, double> Scores() const;
  std::map<std::string, double> TrueScores() const;
  // How often that happened: "quarantined", "barred".
  std::int64_t Count(const std::string& kind) const;
  // Whether so many sweeps have said which files are theirs.
  bool FilesAreFixed(std::int64_t sweeps) const;
  // Closes the file, until something is asked again.
  void LetGo() const;

 private:
  // Another number wherever something was committed.
  std::string Version() const;
  void CheckLimits();
  void CheckChoices();
  void CheckStates();
  void CheckArtifacts();
  void CheckResults();
  // That `sql`, the end of a SELECT from its FROM on, has no row.
  void ExpectNone(const std::string& sql, const std::string& what);
  std::vector<std::vector<std::string>> Query(const std::string& sql) const;

  Coordinator& coordinator_;
  const std::function<void(const std::string&)> broken_;
  std::string seen_;                            // the version that was looked at last
  std::map<std::string, std::string> ended_;    // trials that are over, and how
  std::map<std::string, std::string> results_;  // trial to the attempt that had the result
  // One connection for all: it also keeps the coordinator's own from being the last, which would tidy up.
  mutable std::unique_ptr<SQLite::Database> reader_;
  mutable std::map<std::string, std::unique_ptr<SQLite::Statement>> statements_;
};

}  // namespace lorikeet::fleet
