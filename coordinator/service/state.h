// What the coordinator holds in memory: a mirror of the database, indexed, and what no database needs to know
// (sessions, leases, progress).
//
// Not thread-safe: the service's. What the database has too changes by Install alone, once
// the turn's transaction has it (change.h). Iteration is in the order of ids, so that a run
// repeats.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/clock.h"
#include "coordinator/core/types.h"
#include "coordinator/scheduler/queue.h"
#include "coordinator/service/scored_side.h"
#include "coordinator/service/service.h"

namespace lorikeet::service {

using TrialCounts = std::array<std::int64_t, 5>;  // by core::TrialState

struct ConfigurationRecord {
  core::Configuration configuration;
  TrialCounts trials{};
  bool compared = false;  // has its rows in `comparisons`
  // Attempts that succeeded since this process started: what the time left is estimated from.
  std::int64_t timed = 0;
  double seconds = 0;

  std::int64_t Count(core::TrialState state) const { return trials.at(static_cast<std::size_t>(state)); }
  std::int64_t Open() const {  // trials that have not ended
    return Count(core::TrialState::kPending) + Count(core::TrialState::kRunning);
  }
};

// What Comparing has to do.
struct Due {
  // Sweep, row: its candidates have ended, and none is chosen. Tuning's.
  std::set<std::pair<std::string, std::int64_t>> rows;
  std::set<std::pair<std::string, std::int64_t>> configurations;  // sweep, configuration
  std::set<std::string> sweeps;                                   // whose verdicts are to be given anew
  std::set<std::string> ended;  // sweeps among them that are over: somebody waits for their table
  std::map<std::string, SteadyTime> judge_not_before;  // by sweep
  // The one that was read last, since many are compared with it.
  std::shared_ptr<const ScoredSide> baseline;
  std::int64_t baseline_id = 0;
};

struct TrialRecord {
  core::Trial trial;
  std::string attempt_id;  // the one in granted, running or lost; empty: none. At most one is.
  // Of the newest attempt that this process knows of.
  std::string worker_id, device;
};

// Trials found by their id, or by their name. They are kept elsewhere, and never move.
template <std::string core::Trial::*kField>
class TrialIndex {
 public:
  // Another of that key is there already: false.
  bool Add(TrialRecord* trial) { return trials_.insert(trial).second; }
  // Null where there is none.
  TrialRecord* Find(std::string_view key) const {
    const auto found = trials_.find(key);
    return found == trials_.end() ? nullptr : *found;
  }

 private:
  static std::string_view Key(std::string_view key) { return key; }
  static std::string_view Key(const TrialRecord* record) { return record->trial.*kField; }
  struct Hash {
    using is_transparent = void;
    template <typename T>
    std::size_t operator()(const T& value) const {
      return std::hash<std::string_view>()(Key(value));
    }
  };
  struct Same {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Key(a) == Key(b);
    }
  };
  absl::flat_hash_set<TrialRecord*, Hash, Same> trials_;
};

struct SweepRecord {
  core::Sweep sweep;
  std::map<std::int64_t, ConfigurationRecord> configurations;    // by id
  std::int64_t baseline_id = 0;                                  // among them; 0: none
  std::map<std::int64_t, std::vector<std::int64_t>> candidates;  // of rows that have any: ids, by the row's
  std::vector<TrialRecord*> trials;                              // by position
  TrialIndex<&core::Trial::name> trials_by_name;
  TrialCounts counts{};
  std::int64_t memory_bytes = 0;         // of each slot that a trial takes; 0: any
  std::shared_ptr<const Labels> labels;  // of the workers; null: any
  bool places_known = false;             // where trials ran that ended before this process started
  bool has_documents = false;            // as many as a result counts; asked for again after a restart
  std::string documents_from;            // the attempt that was asked; empty: none
  std::map<std::string, core::SweepFile> files;  // what they are, by name, once it is fixed
  // Workers that have others. The queue points here.
  scheduler::Barred barred;

  std::int64_t Count(core::TrialState state) const { return counts.at(static_cast<std::size_t>(state)); }
  std::int64_t Open() const {  // trials that have not ended
    return Count(core::TrialState::kPending) + Count(core::TrialState::kRunning);
  }
};

// An attempt in granted, running or lost.
struct AttemptRecord {
  core::Attempt attempt;
  std::optional<SteadyTime> lease_until;  // none: lost
  std::optional<Progress> progress;
  std::optional<SteadyTime> granted;  // none: before this process started
};

struct WorkerRecord {
  core::Worker worker;
  std::int64_t session = 0;               // the open one; 0: not connected
  std::map<std::string, core::Bar> bars;  // from sweeps, by id
};

struct Session {
  std::int64_t id = 0;
  std::string worker_id;
  std::shared_ptr<WorkerConnection> connection;
  WallTime last_seen{};
  Origin origin = {};
};

class State {
 public:
  explicit State(const Clock& clock) : clock_(&clock) {}

  // ---- filled at start and by submissions
  void AddSweep(core::Sweep sweep, std::int64_t memory_bytes);
  void AddConfiguration(const core::Configuration& configuration);
  void AddTrial(core::Trial trial);

  // ---- after a commit
  void Install(const core::Sweep& sweep);
  void Install(core::Trial trial);
  // Known only while it is in granted, running or lost.
  void Install(const core::Attempt& attempt);
  void Install(const core::Worker& worker);
  void Install(core::SweepFile file);
  void Install(core::Bar bar);  // of a worker that is known
  void RemoveBar(const std::string& worker_id, const std::string& sweep_id);
  void ForgetFiles(const std::string& sweep_id);

  // The row has become the candidate; its trials may run.
  void NoteChosen(const std::string& sweep_id, std::int64_t row_id, std::int64_t candidate_id,
                  const std::string& edge);
  // The configuration has its rows in `comparisons`, and its sweep's verdicts are due.
  void NoteCompared(const std::string& sweep_id, std::int64_t configuration_id);
  // Whatever may be compared and is not. After a start.
  void MarkAllDue();

  // ---- leases
  void SetLease(const std::string& attempt_id, SteadyTime until);
  std::vector<std::string> ExpiredBy(SteadyTime now) const;
  // Every lease ends then.
  void SetAllLeases(SteadyTime until);

  // ---- lookup; null where there is none
  SweepRecord* FindSweep(const std::string& id);
  TrialRecord* FindTrial(const std::string& id);
  AttemptRecord* FindAttempt(const std::string& id);
  WorkerRecord* FindWorker(const std::string& id);
  Session* FindSession(std::int64_t id);
  Session* SessionOf(const std::string& worker_id);
  const std::string* SweepIdByName(const std::string& name) const;
  // Trials of that name, one a sweep.
  std::vector<TrialRecord*> TrialsByName(const std::string& name) const;
  TrialRecord* TrialOf(const AttemptRecord& attempt) { return FindTrial(attempt.attempt.trial_id); }
  scheduler::Demand DemandOf(const core::Trial& trial) const;
  const RetryPolicy& RetryOf(const core::Trial& trial) const {
    return sweeps_.at(trial.sweep_id).sweep.retry;
  }

  const std::map<std::string, SweepRecord>& sweeps() const { return sweeps_; }
  const std::map<std::string, AttemptRecord>& attempts() const { return attempts_; }
  const std::map<std::string, WorkerRecord>& workers() const { return workers_; }
  // The worker's attempts in granted, running or lost.
  const std::set<std::string>& AttemptsOn(const std::string& worker_id) const;

  std::map<std::int64_t, Session> sessions;
  scheduler::Fleet fleet;  // the connected workers' slots
  scheduler::Queue queue;
  // A trial or a slot has come, so that there may be something to grant.
  bool plan_is_stale = true;
  // What is free on the disk, where that is less than the reserve.
  std::optional<std::int64_t> short_of_room;
  std::optional<SteadyTime> room_looked_at;
  std::int64_t last_session = 0;
  Due due;

 private:
  void Enqueue(const core::Trial& trial);
  void SetRules(const SweepRecord& sweep);
  // The trial has ended, or goes on after its end.
  void MarkDue(const core::Trial& trial, bool ended);
  void MarkCompared(SweepRecord& sweep, std::int64_t configuration_id, bool ended);
  // The row, where there is something to choose now, or nothing left to choose from.
  void MarkRow(const SweepRecord& sweep, std::int64_t row_id);
  // So many more of that state.
  void Count(const core::Trial& trial, std::int64_t more);

  const Clock* clock_;
  std::map<std::string, SweepRecord> sweeps_;
  std::unordered_map<std::string, std::string> sweep_ids_;  // by name
  std::deque<TrialRecord> trials_;                          // none moves, none is erased
  TrialIndex<&core::Trial::id> trials_by_id_;
  std::map<std::string, AttemptRecord> attempts_;
  std::unordered_map<std::string, std::set<std::string>> attempts_on_;  // by worker; never an empty set
  std::set<std::pair<SteadyTime, std::string>> leases_;                 // until, attempt
  std::map<std::string, WorkerRecord> workers_;
};

}  // namespace lorikeet::service
