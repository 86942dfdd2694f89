// One change of the coordinator's state: gathered as copies, written in one transaction, put into memory
// after it has committed. Messages to workers leave after that.
//
// Not thread-safe: used under the service's mutex, for one transaction.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "coordinator/core/types.h"
#include "coordinator/service/state.h"
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

  core::Attempt& Insert(core::Attempt attempt);
  void Put(core::Worker worker);
  // A line of the history; its attempt's trial, sweep and worker are filled in.
  void Note(const core::Attempt& attempt, const std::string& kind, const std::string& message);
  void NoteTrial(const core::Trial& trial, const std::string& kind, const std::string& message);
  void NoteSweep(const core::Sweep& sweep, const std::string& kind, const std::string& message);
  void NoteWorker(const core::Worker& worker, const std::string& kind, const std::string& message);
  // To the worker's open session, after the commit; dropped where it has none then.
  void Send(const std::string& worker_id, ToWorker message);
  // Predictions that no result will take over.
  void Discard(const std::string& attempt_id);

  // Ends the sweeps whose last trial ends with this change; writes all of it.
  Status Save(store::Transaction& transaction);
  // Into memory; then the messages.
  void Install();

  WallTime now() const { return now_; }

 private:
  Status FinishSweeps();

  State& state_;
  const WallTime now_;
  std::map<std::string, core::Sweep> sweeps_;
  std::map<std::string, core::Trial> trials_;
  std::map<std::string, core::Attempt> attempts_, new_attempts_;
  std::map<std::string, core::Worker> workers_;
  std::vector<core::HistoryEvent> history_;
  std::vector<std::string> discarded_;
  std::vector<std::pair<std::string, ToWorker>> messages_;
};

// What the managers share.
struct Context {
  Options options;
  store::Store& store;
  Clock& clock;
  RandomSource& random;
  State state;

  // Runs `body` inside a transaction and writes what it gathered. Where body, the writing or the commit
  // fails, nothing has changed, on disk or in memory, and nothing was sent.
  Status Commit(const std::function<Status(store::Transaction&, Change&)>& body);
};

}  // namespace lorikeet::service
