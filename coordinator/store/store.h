// The results database: one SQLite file, of which this class is the only writer.
//
// Every change is a Transaction: BEGIN IMMEDIATE in Begin, then Commit or Rollback. synchronous=FULL, WAL,
// foreign keys on; only this connection checkpoints the WAL, in Commit and in Close. When Commit returns OK
// the change is on disk. Not thread-safe: of the thread that owns the service.
//
// What the machine may do to a transaction, each with nothing of it in the file:
// - Unavailable: another program has the database locked. Begin does not wait for it; the caller tries again.
// - ResourceExhausted: the disk is full. The store goes on; the same change works once there is room.
// - Internal: an I/O error or damage, at any point, a failed fsync above all. The kernel may call pages clean
//   that never reached the disk, so that nobody knows what the file holds, this change whole or not at all:
//   every later Begin is refused, and SQLite is not asked to sync or checkpoint again. The process should end
//   and start again from the file, without its own memory changed.
// A store that goes without Close leaves the WAL as it is, for the next start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/status.h"
#include "coordinator/core/types.h"
#include "coordinator/store/scores.h"

namespace lorikeet::store {

// What a restart needs: all of it but the trials' settings and results.
struct Snapshot {
  std::vector<core::Sweep> sweeps;
  std::vector<core::Configuration> configurations;
  std::vector<core::Trial> trials;      // in (sweep, position) order
  std::vector<core::Attempt> attempts;  // those in granted, running or lost
  std::vector<core::Worker> workers;
  std::vector<core::SweepFile> files;
  std::vector<core::Bar> bars;
  std::vector<std::int64_t> compared;  // configurations with comparisons
};

// What was answered to a client's request, kept for a while under the client's id of it.
struct AnsweredRequest {
  std::string id, fingerprint;
  std::string answer;  // bytes
};

class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual Status InsertSweep(const core::Sweep& sweep) = 0;
  // Returns the id.
  virtual StatusOr<std::int64_t> InsertConfiguration(const core::Configuration& configuration) = 0;
  virtual Status InsertTrial(const core::Trial& trial) = 0;
  virtual Status InsertAttempt(const core::Attempt& attempt) = 0;
  // Everything but ids and what is fixed at submission (trials: state, token, failures, interruptions,
  // not_before, last worker, failure). An attempt's sequence is raised, never lowered.
  virtual Status UpdateSweep(const core::Sweep& sweep) = 0;
  virtual Status UpdateTrial(const core::Trial& trial) = 0;
  virtual Status UpdateAttempt(const core::Attempt& attempt) = 0;
  virtual Status UpsertWorker(const core::Worker& worker) = 0;
  virtual Status InsertEvent(const core::HistoryEvent& event) = 0;
  // AlreadyExists where the sweep has one of that name.
  virtual Status InsertSweepFile(const core::SweepFile& file) = 0;
  // A bar of that worker and sweep that is there is replaced.
  virtual Status PutBar(const core::Bar& bar) = 0;
  virtual Status RemoveBar(const std::string& worker_id, const std::string& sweep_id) = 0;
  // What the sweep's files are is open again; its bars go, too.
  virtual Status ForgetFiles(const std::string& sweep_id) = 0;

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
  // What the trial's attempts have done to their workers counts anew from here.
  virtual Status MarkRetried(const std::string& trial_id) = 0;
  // The workers on which an attempt of the trial has crashed since then, or was lost before it had saved a
  // checkpoint (one that had got on: that was its worker's mishap); in the order they first did.
  virtual StatusOr<std::vector<std::string>> WorkersTakenDown(const std::string& trial_id) = 0;

  // Nothing where none of that id is kept.
  virtual StatusOr<std::optional<AnsweredRequest>> FindRequest(const std::string& id) = 0;
  // Forgets those from before `keep_since`.
  virtual Status InsertRequest(const AnsweredRequest& request, WallTime at, WallTime keep_since) = 0;
  // Files that are on disk get their row, in the place of the trial's last of that kind, whose path is
  // returned. FailedPrecondition where that one is of a later token or step.
  virtual StatusOr<std::optional<std::string>> PutArtifact(const core::Artifact& artifact) = 0;
  // The path of what is no artifact any more; nothing where there was none.
  virtual StatusOr<std::optional<std::string>> RemoveArtifact(const std::string& trial_id,
                                                              core::ArtifactKind kind) = 0;
  // That of the same configuration, baseline and metric is replaced.
  virtual Status PutComparison(const core::Comparison& comparison) = 0;
  // Those of the configuration, or with it as the baseline.
  virtual Status RemoveComparisons(std::int64_t configuration_id) = 0;
  // The row's settings, and what its trials run, are the candidate's from here. NotFound where either is
  // missing.
  virtual Status ChooseCandidate(std::int64_t row_id, std::int64_t candidate_id, const std::string& edge) = 0;
  // One of that sweep and name is replaced, with its summaries and scores.
  virtual Status PutForeignRow(const core::ForeignRow& row) = 0;
  // With its summaries and scores. NotFound where there is none.
  virtual Status RemoveForeignRow(const std::string& sweep_id, const std::string& name) = 0;
  virtual ScoreWriter& scores() = 0;
  // What its trainers said; the rest of its history stays.
  virtual Status RemoveLogs(const std::string& sweep_id) = 0;

  // Runs `body`, which makes its changes by this transaction. Its error undoes them, and them alone, and is
  // returned: the transaction goes on. So several callers' requests go into one commit. After a failure of
  // the machine's, Part returns that, as every later call does, and Commit fails. May be nested.
  virtual Status Part(const std::function<Status()>& body) = 0;
  // The machine's fault that has failed this transaction, if there was one: Commit answers with it.
  virtual Status failure() const = 0;
};

struct OpenOptions {
  std::string build;  // recorded with each sweep
  // A SQLite VFS registered by the caller; empty: SQLite's own. Tests inject faults through it.
  std::string vfs;
  // Makes a folder's names outlive a power cut.
  std::function<Status(const std::string& folder)> sync_folder = &SyncFolder;
  // What FreeBytes says; empty: what the data folder's filesystem says.
  std::function<StatusOr<std::int64_t>()> free_bytes = {};
  // How far the WAL grows between checkpoints, in pages of 4 KiB.
  std::int64_t checkpoint_pages = 4000;
  // Of pages. A transaction that changes more than fits is written to the WAL before its commit.
  std::int64_t cache_kibibytes = 32 * 1024;
};

// What a sweep's trainers said, in the database.
struct LogSize {
  std::int64_t lines = 0, bytes = 0;
};

// Where a trial's last attempt ran.
struct Place {
  std::string trial_id, worker_id, device;
};

class Store {
 public:
  // Opens or makes DIR/results.db, takes the folder's lock (another coordinator: FailedPrecondition, naming
  // the folder and the holder's pid), migrates forward (a newer version than this build knows:
  // FailedPrecondition, with both versions). Refuses a folder on a network filesystem. Once it returns, a
  // power cut takes neither the file nor its folder away.
  static StatusOr<std::unique_ptr<Store>> Open(const std::string& directory, const OpenOptions& options);
  virtual ~Store() = default;

  virtual StatusOr<Snapshot> Load() = 0;
  // See above. Only the machine's failures and what `change` returns or throws come back.

  // One transaction at a time, which lives until Commit or Rollback.
  virtual StatusOr<Transaction*> Begin() = 0;
  // Whatever comes of it, no transaction is open afterwards.
  virtual Status Commit() = 0;
  virtual void Rollback() = 0;
  // Begin, `change`, Commit; where change fails, Rollback.
  Status Write(const std::function<Status(Transaction&)>& change);

  // The trial file, JSON: its configuration's, with its seed.
  virtual StatusOr<std::string> TrialSettings(const std::string& trial_id) = 0;
  // How many documents of the sweep are there; a grant asks for them when there are none.
  virtual StatusOr<std::int64_t> DocumentCount(const std::string& sweep_id) = 0;
  // Of each of the sweep's trials that has had one.
  virtual StatusOr<std::vector<Place>> LastPlaces(const std::string& sweep_id) = 0;
  virtual StatusOr<std::vector<core::Attempt>> Attempts(const std::string& trial_id) = 0;
  // Events with id > after, oldest first, at most `most`; sweep or trial may be empty (all).
  virtual StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep_id,
                                                           const std::string& trial_id, std::int64_t after,
                                                           std::int64_t most) = 0;
  // Nothing where there is none of that kind.
  virtual StatusOr<std::optional<core::Artifact>> FindArtifact(const std::string& trial_id,
                                                               core::ArtifactKind kind) = 0;
  // In the order of the sweep's trials.
  virtual StatusOr<std::vector<core::Artifact>> ArtifactsOf(const std::string& sweep_id) = 0;
  // Of every artifact: whatever else lies in their folder is nobody's.
  virtual StatusOr<std::vector<std::string>> ArtifactPaths() = 0;
  // A configuration's trials with a result, by seed; what the open transaction has written counts.
  virtual StatusOr<std::vector<core::ScoredTrial>> Scores(std::int64_t configuration_id) = 0;
  virtual StatusOr<std::vector<core::Comparison>> Comparisons(const std::string& sweep_id) = 0;
  // A row's candidates in their order, scored by `metric` (validation_rouge1, validation_loss).
  virtual StatusOr<std::vector<core::Candidate>> Candidates(std::int64_t row_id,
                                                            const std::string& metric) = 0;
  virtual ScoreReader& scores() = 0;
  virtual StatusOr<LogSize> LogsOf(const std::string& sweep_id) = 0;
  virtual std::string path() const = 0;  // of results.db
  // What the filesystem of the data folder has left for this user, in bytes.
  virtual StatusOr<std::int64_t> FreeBytes() = 0;
  // Checkpoints the WAL away, so that results.db alone is complete; then closes. Called once, at a clean
  // stop. Unavailable where another program still reads after two seconds. The store is closed in any case.
  virtual Status Close() = 0;
};

}  // namespace lorikeet::store
