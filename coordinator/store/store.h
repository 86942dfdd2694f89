// The results database: one SQLite file, of which this class is the only writer.
//
// Every change is a Transaction: BEGIN IMMEDIATE in Write, COMMIT when the function returns OK, else ROLLBACK
// with nothing written. synchronous=FULL, WAL, foreign keys on; only this connection checkpoints the WAL.
// When Write returns OK the change is on disk. Not thread-safe: coordinator/service serialises. A failed
// COMMIT or fsync is an Internal status; the caller must not carry on with its own memory changed, and since
// nobody knows then what the disk holds, every later Write is refused: the process should end and start again
// from the file.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "coordinator/core/types.h"

namespace lorikeet::store {

// What a restart needs: all of it but finished trials' settings and results.
struct Snapshot {
  std::vector<core::Sweep> sweeps;
  std::vector<core::Configuration> configurations;
  std::vector<core::Trial> trials;      // settings left empty; in (sweep, position) order
  std::vector<core::Attempt> attempts;  // those in granted, running or lost
  std::vector<core::Worker> workers;
};

class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual Status InsertSweep(const core::Sweep& sweep) = 0;
  // Returns the id.
  virtual StatusOr<std::int64_t> InsertConfiguration(const core::Configuration& configuration) = 0;
  virtual Status InsertTrial(const core::Trial& trial) = 0;
  virtual Status InsertAttempt(const core::Attempt& attempt) = 0;
  // Everything but ids and what is fixed at submission (trials: state, token, failures, not_before, last
  // worker, failure).
  virtual Status UpdateSweep(const core::Sweep& sweep) = 0;
  virtual Status UpdateTrial(const core::Trial& trial) = 0;
  virtual Status UpdateAttempt(const core::Attempt& attempt) = 0;
  virtual Status UpsertWorker(const core::Worker& worker) = 0;
  virtual Status InsertEvent(const core::HistoryEvent& event) = 0;

  // As the file has them now, inside this transaction: the fence is checked here. NotFound where there is
  // none.
  virtual StatusOr<core::Token> NewestToken(const std::string& trial_id) = 0;
  virtual StatusOr<std::int64_t> CommittedSequence(const std::string& attempt_id) = 0;
  // Raises the attempt's highest committed event number; refuses to lower it.
  virtual Status AdvanceSequence(const std::string& attempt_id, std::int64_t sequence) = 0;

  // The same (attempt, step, name) again replaces the value.
  virtual Status InsertMetric(const std::string& attempt_id, const core::Metric& metric) = 0;
  // The same document again is ignored.
  virtual Status InsertDocument(const std::string& sweep_id, const core::Document& document) = 0;
  // Invisible until CommitResult; the same document again replaces it.
  virtual Status StagePrediction(const std::string& attempt_id, const core::Prediction& prediction) = 0;
  // The result row, and the attempt's staged predictions made visible. AlreadyExists where the trial has a
  // result; FailedPrecondition where fewer predictions are staged than result.predictions says.
  virtual Status CommitResult(const std::string& trial_id, const std::string& attempt_id,
                              const core::Result& result, WallTime at) = 0;
  virtual Status DiscardStagedPredictions(const std::string& attempt_id) = 0;
};

struct OpenOptions {
  std::string build;  // recorded with each sweep
  std::string
      vfs;  // a SQLite VFS registered by the caller; empty: SQLite's own. Tests inject faults through it
};

class Store {
 public:
  // Opens or makes DIR/results.db, takes the folder's lock (another coordinator: FailedPrecondition, naming
  // the folder and the holder's pid), migrates forward (a newer version than this build knows:
  // FailedPrecondition, with both versions). Refuses a folder on a network filesystem.
  static StatusOr<std::unique_ptr<Store>> Open(const std::string& directory, const OpenOptions& options);
  virtual ~Store() = default;

  virtual StatusOr<Snapshot> Load() = 0;
  virtual Status Write(const std::function<Status(Transaction&)>& change) = 0;

  virtual StatusOr<std::string> TrialSettings(const std::string& trial_id) = 0;
  // How many documents of the sweep are there; a grant asks for them when there are none.
  virtual StatusOr<std::int64_t> DocumentCount(const std::string& sweep_id) = 0;
  virtual StatusOr<std::vector<core::Attempt>> Attempts(const std::string& trial_id) = 0;
  // Events with id > after, oldest first, at most `most`; sweep or trial may be empty (all).
  virtual StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep_id,
                                                           const std::string& trial_id, std::int64_t after,
                                                           std::int64_t most) = 0;
  virtual std::string path() const = 0;  // of results.db
  // Checkpoints the WAL away, so that results.db alone is complete; then closes. Called once, at a clean
  // stop.
  virtual Status Close() = 0;
};

}  // namespace lorikeet::store
