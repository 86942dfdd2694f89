// One turn of the service: what its requests change is one transaction, begun at the first change, and what
// they say to workers leaves after its commit.
//
// Memory changes as each request is done, ahead of the commit. So where End fails, memory knows more than the
// file, nobody has been told of it, and the service starts again from the file (service.cc).
//
// Not thread-safe: the service's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/status.h"
#include "coordinator/service/observer.h"
#include "coordinator/service/service.h"
#include "coordinator/store/store.h"

namespace lorikeet::service {

class Turn {
 public:
  // `observer` may be null. `remove_files`: see Options.
  Turn(store::Store& store, const Clock& clock, Observer* observer,
       std::function<void(const std::string&)> remove_files)
      : store_(store), clock_(clock), observer_(observer), remove_files_(std::move(remove_files)) {}

  // One request's changes: all of them are in the transaction, or none. Unavailable where another program has
  // the database locked, then for the rest of the turn.
  Status Part(const std::function<Status(store::Transaction&)>& body);
  void Send(std::shared_ptr<WorkerConnection> connection, ToWorker message);
  // What is told once the turn has been committed: counted, and written to the log.
  Tally& tally() { return tally_; }
  void Note(core::HistoryEvent event) { history_.push_back(std::move(event)); }
  // The files of what is no artifact any more, once that is committed.
  void RemoveFiles(std::string path) { removed_.push_back(std::move(path)); }
  // Commits what was changed, then sends. Internal: nobody knows what the file holds.
  Status End();

 private:
  store::Store& store_;
  const Clock& clock_;
  Observer* const observer_;
  const std::function<void(const std::string&)> remove_files_;
  std::vector<std::string> removed_;
  store::Transaction* transaction_ = nullptr;  // none open
  Status failure_;                             // of the machine's, or why no transaction could be begun
  // Each connection's messages in their order; the connections as they came.
  std::vector<std::pair<std::shared_ptr<WorkerConnection>, std::vector<ToWorker>>> outbox_;
  std::unordered_map<const WorkerConnection*, std::size_t> places_;  // in outbox_
  Tally tally_;
  std::vector<core::HistoryEvent> history_;
};

}  // namespace lorikeet::service
