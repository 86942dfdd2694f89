#include "coordinator/store/store.h"

#include <sqlite3.h>

#include "coordinator/store/candidates.h"
#include "coordinator/store/checkpoint.h"
#include "coordinator/store/comparisons.h"
#include "coordinator/store/connection.h"
#include "coordinator/store/folder.h"
#include "coordinator/store/guard.h"
#include "coordinator/store/load.h"
#include "coordinator/store/migrations.h"
#include "coordinator/store/rewrite_wal.h"
#include "coordinator/store/transaction.h"

namespace lorikeet::store {
namespace {

// For locks of other programs. While the coordinator serves, a read waits no longer than one who asks would
// notice, and a write not at all.
constexpr std::chrono::milliseconds kOpenAndCloseWait{2000};
constexpr std::chrono::milliseconds kReadWait{100};
constexpr std::int64_t kLargeCommit = 2000;  // pages

// Settings that must stand before the first table is made, and those of every connection.
Status Prepare(SQLite::Database& database, const std::string& path, std::int64_t cache_kibibytes) {
  return Guarded(path, [&]() -> Status {
    // Only an empty file takes it, and only before WAL writes the first page.
    if (database.execAndGet("PRAGMA page_count").getInt64() == 0) {
      database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    }
    SQLite::Statement to_wal(database, "PRAGMA journal_mode = WAL");
    to_wal.executeStep();
    const std::string mode = to_wal.getColumn(0).getString();
    to_wal.executeStep();  // to its end: only there is a new file's first page written, or not
    if (mode != "wal") {
      return FailedPrecondition("SQLite keeps its journal in '{}' mode here, where WAL is needed", mode);
    }
    database.exec("PRAGMA synchronous = FULL");
    database.exec("PRAGMA foreign_keys = ON");
    // What a statement may have to undo. On a disk it would be another filesystem's that may be full or fail.
    database.exec("PRAGMA temp_store = MEMORY");
    database.exec(fmt::format("PRAGMA cache_size = -{}", cache_kibibytes));
    // Debian's SQLite overwrites what is deleted with zeros, with every change of an indexed state.
    database.exec("PRAGMA secure_delete = OFF");
    return absl::OkStatus();
  });
}

class SqliteStore : public Store {
 public:
  SqliteStore(std::unique_ptr<FolderLock> lock, std::string path, std::unique_ptr<Connection> connection,
              const OpenOptions& options, std::function<StatusOr<std::int64_t>()> free_bytes)
      : lock_(std::move(lock)),
        path_(std::move(path)),
        connection_(std::move(connection)),
        checkpoints_(*connection_, options.checkpoint_pages),
        build_(options.build),
        free_bytes_(std::move(free_bytes)) {
    connection_->Wait(kReadWait);
  }

  StatusOr<Snapshot> Load() override {
    return Read([&] {
      StatusOr<Snapshot> loaded = LoadSnapshot(*connection_);
      // Rows that nobody asks for again soon.
      sqlite3_db_release_memory(connection_->database().getHandle());
      return loaded;
    });
  }

  StatusOr<Transaction*> Begin() override;
  Status Commit() override;
  void Rollback() override;

  StatusOr<std::string> TrialSettings(const std::string& trial_id) override {
    return Read([&]() -> StatusOr<std::string> {
      Rows rows(connection_->Prepare("SELECT settings FROM trial_files WHERE trial_id = ?", trial_id));
      if (!rows.Next()) return NotFound("trial {} is not in the database", trial_id);
      return rows.Text(0);
    });
  }

  StatusOr<std::int64_t> DocumentCount(const std::string& sweep_id) override {
    return Read([&]() -> StatusOr<std::int64_t> {
      Rows rows(connection_->Prepare("SELECT count(*) FROM documents WHERE sweep_id = ?", sweep_id));
      rows.Next();
      return rows.Int(0);
    });
  }

  StatusOr<std::vector<Place>> LastPlaces(const std::string& sweep_id) override {
    return Read([&] { return LoadLastPlaces(*connection_, sweep_id); });
  }

  StatusOr<std::vector<core::Attempt>> Attempts(const std::string& trial_id) override {
    return Read([&] { return LoadAttempts(*connection_, trial_id); });
  }

  StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep_id, const std::string& trial_id,
                                                   std::int64_t after, std::int64_t most) override {
    return Read([&] { return LoadEvents(*connection_, sweep_id, trial_id, after, most); });
  }

  StatusOr<std::optional<core::Artifact>> FindArtifact(const std::string& trial_id,
                                                       core::ArtifactKind kind) override {
    return Read([&] { return LoadArtifact(*connection_, trial_id, kind); });
  }

  StatusOr<std::vector<core::Artifact>> ArtifactsOf(const std::string& sweep_id) override {
    return Read([&] { return LoadArtifactsOf(*connection_, sweep_id); });
  }

  StatusOr<std::vector<std::string>> ArtifactPaths() override {
    return Read([&] { return LoadArtifactPaths(*connection_); });
  }

  StatusOr<std::vector<core::ScoredTrial>> Scores(std::int64_t configuration_id) override {
    return Read([&] { return LoadScores(*connection_, configuration_id); });
  }

  StatusOr<std::vector<core::Comparison>> Comparisons(const std::string& sweep_id) override {
    return Read([&] { return LoadComparisons(*connection_, sweep_id); });
  }

  StatusOr<std::vector<core::Candidate>> Candidates(std::int64_t row_id, const std::string& metric) override {
    return Read([&] { return LoadCandidates(*connection_, row_id, metric); });
  }

  ScoreReader& scores() override { return *scores_; }

  StatusOr<LogSize> LogsOf(const std::string& sweep_id) override {
    return Read([&] { return LoadLogSize(*connection_, sweep_id); });
  }

  std::string path() const override { return path_; }
  StatusOr<std::int64_t> FreeBytes() override { return free_bytes_(); }
  Status Close() override;

 private:
  template <typename Body>
  auto Read(const Body& body) -> decltype(body()) {
    if (!connection_) return FailedPrecondition("{}: is closed", path_);
    return Guarded(path_, body);
  }
  Status Run(const char* sql);  // a literal
  void Break(const Status& status) {
    if (absl::IsInternal(status)) broken_.Update(status);
  }

  // In this order: the connection goes before the lock.
  std::unique_ptr<FolderLock> lock_;
  std::string path_;
  std::unique_ptr<Connection> connection_;  // null once closed
  const std::unique_ptr<ScoreReader> scores_ = MakeScoreReader(connection_, path_);
  Checkpoints checkpoints_;
  std::string build_;
  std::function<StatusOr<std::int64_t>()> free_bytes_;
  std::unique_ptr<SqliteTransaction> transaction_;  // the one that is open
  Status broken_;  // the first I/O error: nobody knows what the disk has since
};

StatusOr<Transaction*> SqliteStore::Begin() {
  if (!connection_) return FailedPrecondition("{}: is closed", path_);
  if (!broken_.ok()) return Annotate(broken_, "nothing is written any more, since an earlier write failed");
  if (transaction_) return Internal("{}: a transaction inside a transaction", path_);
  connection_->Wait({});
  if (const Status begun = Run("BEGIN IMMEDIATE"); !begun.ok()) {
    connection_->Wait(kReadWait);
    Break(begun);
    return begun;
  }
  transaction_ = std::make_unique<SqliteTransaction>(*connection_, build_);
  return transaction_.get();
}

Status SqliteStore::Commit() {
  if (!transaction_) return Internal("{}: no transaction to commit", path_);
  // A caller may go on after AlreadyExists; not after the machine's own failures.
  Status outcome = Annotate(transaction_->failure(), path_);
  const std::int64_t pages_before = connection_->wal_pages();
  if (outcome.ok()) outcome = Run("COMMIT");
  Break(outcome);
  if (!outcome.ok()) {
    Rollback();
    return outcome;
  }
  transaction_.reset();
  // A sweep's submission fills the cache with rows that nobody asks for again soon.
  if (connection_->wal_pages() - pages_before > kLargeCommit) {
    sqlite3_db_release_memory(connection_->database().getHandle());
  }
  Break(Annotate(checkpoints_.AfterCommit(), path_));
  connection_->Wait(kReadWait);
  return outcome;
}

void SqliteStore::Rollback() {
  if (!transaction_) return;
  Break(Annotate(transaction_->failure(), path_));
  transaction_.reset();
  // SQLite has done it itself after some failures.
  sqlite3* handle = connection_->database().getHandle();
  if (sqlite3_get_autocommit(handle) == 0 && connection_->database().tryExec("ROLLBACK") != SQLITE_OK &&
      sqlite3_get_autocommit(handle) == 0) {
    Break(Internal("{}: cannot roll back: {}", path_, sqlite3_errmsg(handle)));
  }
  connection_->Wait(kReadWait);
}

Status SqliteStore::Run(const char* sql) {
  return Guarded([&] { return path_ + ": " + sql; },
                 [&]() -> Status {
                   connection_->Run(sql);
                   return absl::OkStatus();
                 });
}

Status SqliteStore::Close() {
  if (!connection_) return absl::OkStatus();
  Status outcome = broken_;
  if (outcome.ok()) {
    connection_->Wait(kOpenAndCloseWait);
    // Room for others. Where there is no room to give it back, or no leave, the data come first.
    const Status vacuum = Run("PRAGMA incremental_vacuum");
    outcome = absl::IsInternal(vacuum) ? vacuum : Annotate(checkpoints_.Finish(), path_);
    if (outcome.ok()) connection_->RemoveWalOnClose();
  }
  connection_.reset();
  lock_.reset();
  return outcome;
}

}  // namespace

Status Store::Write(const std::function<Status(Transaction&)>& change) {
  ASSIGN_OR_RETURN(Transaction * transaction, Begin());
  Status outcome;
  try {
    outcome = change(*transaction);
  } catch (const std::exception& error) {
    outcome = Internal("{}: {}", path(), error.what());
  }
  if (outcome.ok()) return Commit();
  if (const Status failure = transaction->failure(); !failure.ok()) outcome = Annotate(failure, path());
  Rollback();
  return outcome;
}

StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& directory, const OpenOptions& options) {
  RETURN_IF_ERROR(MakeFolder(directory, options.sync_folder));
  RETURN_IF_ERROR(RefuseNetworkFilesystem(directory));
  ASSIGN_OR_RETURN(auto lock, FolderLock::Take(directory));
  const std::string path = directory + "/results.db";
  std::unique_ptr<Connection> connection;
  RETURN_IF_ERROR(Guarded(path, [&]() -> Status {
    // One thread uses it, and nobody asks how much memory SQLite takes: locks for neither.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    connection = std::make_unique<Connection>(
        path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, kOpenAndCloseWait,
        options.vfs);
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(Prepare(connection->database(), path, options.cache_kibibytes));
  RETURN_IF_ERROR(Guarded(path, [&] { return RewriteWal(*connection); }));
  RETURN_IF_ERROR(Migrate(connection->database(), path, EmbeddedMigrations()));
  RETURN_IF_ERROR(options.sync_folder(directory));
  auto free_bytes = options.free_bytes;
  if (!free_bytes) free_bytes = [directory] { return FreeBytesOf(directory); };
  return std::make_unique<SqliteStore>(std::move(lock), path, std::move(connection), options,
                                       std::move(free_bytes));
}

}  // namespace lorikeet::store
