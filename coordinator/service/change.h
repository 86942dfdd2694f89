// One request's change of the coordinator's state: gathered as copies, written as one part of its turn's
// transaction, then put into memory. Messages to workers leave when the turn has committed.
//
// Not thread-safe: the service's, for one request.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "coordinator/core/types.h"
#include "coordinator/service/state.h"
#include "coordinator/service/turn.h"
#include "coordinator/store/store.h"

namespace lorikeet::service {

class Change {
 public:
  Change(State& state, WallTime now) : state_(state), now_(now) {}

  // The copy that will be written, made from memory at the first call. The id is known to exist.
  core::Sweep& sweep(const std::string& id);
  core::Trial& trial(const std::string& id);
  core::Attempt& attempt(const std::string& id);  // granted, running or lost
  core::Worker& worker(const std::string& id);
  // What the sweep's file of that name is, as this change leaves it; null where it is not fixed.
  const core::SweepFile* FindFile(const std::string& sweep_id, const std::string& name) const;
  void Fix(core::SweepFile file);
  // The sweep's are open again, and its bars lifted.
  void ForgetFiles(const std::string& sweep_id);
  void PutBar(core::Bar bar);
  void LiftBar(const std::string& worker_id, const std::string& sweep_id);
  // The worker as this change leaves it, without a copy.
  const core::Worker& Peek(const std::string& worker_id) const;

  core::Attempt& Insert(core::Attempt attempt);
  void Put(core::Worker worker);
  // A line of the history; its attempt's trial, sweep and worker are filled in.
  void Note(const core::Attempt& attempt, const std::string& kind, const std::string& message);
  void NoteTrial(const core::Trial& trial, const std::string& kind, const std::string& message);
  void NoteSweep(const core::Sweep& sweep, const std::string& kind, const std::string& message);
  void NoteWorker(const core::Worker& worker, const std::string& kind, const std::string& message,
                  const std::string& sweep_id = "");
  // To the worker's open session; dropped where it has none by the request's end.
  void Send(const std::string& worker_id, ToWorker message);
  // For the tally, where the rows do not show it.
  void CountExpiredLease() { ++leases_expired_; }
  void CountMetricPoint() { ++metric_points_; }
  // Predictions that no result will take over.
  void Discard(const std::string& attempt_id);

  // The files at this path are no artifact's any more.
  void RemoveFiles(std::string path) { removed_.push_back(std::move(path)); }

  // Ends the sweeps whose last trial ends with this change; writes all of it.
  Status Save(store::Transaction& transaction);
  // Into memory; the messages into the turn.
  void Install(Turn& turn);

  WallTime now() const { return now_; }
  // As it was before this change.
  State& state() { return state_; }

 private:
  Status FinishSweeps();
  // Before it is in memory.
  void CountInto(Tally& tally) const;
  // Of trials that end with this change and do not go on.
  Status RemoveCheckpoints(store::Transaction& transaction);
  // Of configurations whose trials go on after their end.
  Status RemoveComparisons(store::Transaction& transaction);
  Status SaveAttempt(store::Transaction& transaction, const core::Attempt& attempt) const;

  State& state_;
  const WallTime now_;
  std::map<std::string, core::Sweep> sweeps_;
  std::map<std::string, core::Trial> trials_;
  std::map<std::string, core::Attempt> attempts_, new_attempts_;
  std::map<std::string, core::Worker> workers_;
  std::vector<core::HistoryEvent> history_;
  std::vector<std::string> discarded_, removed_;
  std::vector<std::string> forgotten_;  // sweeps
  std::vector<core::SweepFile> files_;
  std::vector<core::Bar> bars_;
  std::vector<std::pair<std::string, std::string>> lifted_;  // worker, sweep
  std::vector<std::pair<std::string, ToWorker>> messages_;
  std::int64_t leases_expired_ = 0, metric_points_ = 0;
};

// What the managers share.
struct Context {
  Options options;
  store::Store& store;
  Clock& clock;
  RandomSource& random;
  State state;
  Turn turn;

  // Runs `body` inside the turn's transaction, writes what it gathered and puts it into memory. Where body or
  // the writing fails, nothing has changed, in the transaction or in memory, and nothing will be sent.
  Status Apply(const std::function<Status(store::Transaction&, Change&)>& body);
};

}  // namespace lorikeet::service
