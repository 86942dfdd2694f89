// What the coordinator holds in memory: a mirror of the database, indexed, and what no database needs to know
// (sessions, leases, progress).
//
// Not thread-safe: the service's mutex guards it. What the database has too changes by Install alone, after
// the transaction that wrote it has committed (change.h). Iteration is in the order of ids, so that a run
// repeats.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "coordinator/core/types.h"
#include "coordinator/scheduler/queue.h"
#include "coordinator/service/service.h"

namespace lorikeet::service {

struct ConfigurationRecord {
  core::Configuration configuration;
  std::array<std::int64_t, 5> trials{};  // by core::TrialState
  // Attempts that succeeded since this process started: what the time left is estimated from.
  std::int64_t timed = 0;
  double seconds = 0;
};

struct SweepRecord {
  core::Sweep sweep;
  std::map<std::int64_t, ConfigurationRecord> configurations;  // by id
  std::vector<std::string> trials;                             // by position
  std::int64_t memory_bytes = 0;                               // of each slot that a trial takes; 0: any
  bool has_documents = false;  // as many as a result counts; asked for again after a restart
  std::string documents_from;  // the attempt that was asked; empty: none

  std::int64_t Count(core::TrialState state) const;
  std::int64_t Open() const {  // trials that have not ended
    return Count(core::TrialState::kPending) + Count(core::TrialState::kRunning);
  }
};

struct TrialRecord {
  core::Trial trial;
  std::string attempt_id;  // the one in granted, running or lost; empty: none. At most one is.
  // Of the newest attempt that this process knows of.
  std::string worker_id, device;
};

// An attempt in granted, running or lost.
struct AttemptRecord {
  core::Attempt attempt;
  std::optional<SteadyTime> lease_until;  // none: lost
  std::optional<Progress> progress;
};

struct WorkerRecord {
  core::Worker worker;
  std::int64_t session = 0;  // the open one; 0: not connected
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
  explicit State(const Clock& clock) : clock_(clock) {}

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
  std::vector<std::string> TrialIdsByName(const std::string& name) const;
  TrialRecord* TrialOf(const AttemptRecord& attempt) { return FindTrial(attempt.attempt.trial_id); }

  const std::map<std::string, SweepRecord>& sweeps() const { return sweeps_; }
  const std::map<std::string, AttemptRecord>& attempts() const { return attempts_; }
  const std::map<std::string, WorkerRecord>& workers() const { return workers_; }
  // The worker's attempts in granted, running or lost.
  std::vector<std::string> AttemptsOn(const std::string& worker_id) const;

  std::map<std::int64_t, Session> sessions;
  scheduler::Fleet fleet;  // the connected workers' slots
  scheduler::Queue queue;
  std::int64_t last_session = 0;

 private:
  scheduler::Demand DemandOf(const core::Trial& trial, const SweepRecord& sweep) const;
  void Enqueue(const core::Trial& trial);

  const Clock& clock_;
  std::map<std::string, SweepRecord> sweeps_;
  std::unordered_map<std::string, std::string> sweep_ids_;  // by name
  std::unordered_map<std::string, TrialRecord> trials_;     // never iterated
  std::multimap<std::string, std::string> trial_ids_;       // by name
  std::map<std::string, AttemptRecord> attempts_;
  std::set<std::pair<SteadyTime, std::string>> leases_;  // until, attempt
  std::map<std::string, WorkerRecord> workers_;
};

}  // namespace lorikeet::service
