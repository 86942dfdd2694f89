#include "coordinator/store/store.h"

#include <sqlite3.h>

#include <filesystem>

#include "coordinator/store/connection.h"
#include "coordinator/store/folder.h"
#include "coordinator/store/guard.h"
#include "coordinator/store/load.h"
#include "coordinator/store/migrations.h"
#include "coordinator/store/transaction.h"

namespace lorikeet::store {
namespace {

// Settings that must stand before the first table is made, and those of every connection.
Status Prepare(SQLite::Database& database, const std::string& path) {
  return Guarded(path, [&]() -> Status {
    // Only an empty file takes it, and only before WAL writes the first page.
    if (database.execAndGet("PRAGMA page_count").getInt64() == 0) {
      database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    }
    const std::string mode = database.execAndGet("PRAGMA journal_mode = WAL").getString();
    if (mode != "wal") {
      return FailedPrecondition("SQLite keeps its journal in '{}' mode here, where WAL is needed", mode);
    }
    database.exec("PRAGMA synchronous = FULL");
    database.exec("PRAGMA foreign_keys = ON");
    database.exec("PRAGMA wal_autocheckpoint = 1000");
    return absl::OkStatus();
  });
}

class SqliteStore : public Store {
 public:
  SqliteStore(std::unique_ptr<FolderLock> lock, std::string path, std::unique_ptr<Connection> connection,
              const OpenOptions& options)
      : lock_(std::move(lock)),
        path_(std::move(path)),
        connection_(std::move(connection)),
        build_(options.build) {}

  StatusOr<Snapshot> Load() override {
    return Read([&] { return LoadSnapshot(*connection_); });
  }

  Status Write(const std::function<Status(Transaction&)>& change) override;

  StatusOr<std::string> TrialSettings(const std::string& trial_id) override {
    return Read([&]() -> StatusOr<std::string> {
      Rows rows(connection_->Prepare("SELECT settings FROM trials WHERE id = ?", trial_id));
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

  StatusOr<std::vector<core::Attempt>> Attempts(const std::string& trial_id) override {
    return Read([&] { return LoadAttempts(*connection_, trial_id); });
  }

  StatusOr<std::vector<core::HistoryEvent>> Events(const std::string& sweep_id, const std::string& trial_id,
                                                   std::int64_t after, std::int64_t most) override {
    return Read([&] { return LoadEvents(*connection_, sweep_id, trial_id, after, most); });
  }

  std::string path() const override { return path_; }
  Status Close() override;

 private:
  template <typename Body>
  auto Read(const Body& body) -> decltype(body()) {
    if (!connection_) return FailedPrecondition("{}: is closed", path_);
    return Guarded(path_, body);
  }
  Status Commit();

  // In this order: the connection goes before the lock.
  std::unique_ptr<FolderLock> lock_;
  std::string path_;
  std::unique_ptr<Connection> connection_;  // null once closed
  std::string build_;
  bool writing_ = false;
  Status broken_;  // after a COMMIT of which nobody knows whether the disk has it
};

Status SqliteStore::Write(const std::function<Status(Transaction&)>& change) {
  if (!connection_) return FailedPrecondition("{}: is closed", path_);
  if (!broken_.ok()) return Annotate(broken_, "nothing is written any more, since an earlier write failed");
  if (writing_) return Internal("{}: a write inside a write", path_);
  RETURN_IF_ERROR(Guarded(path_, [&]() -> Status {
    connection_->database().exec("BEGIN IMMEDIATE");
    return absl::OkStatus();
  }));
  writing_ = true;
  SqliteTransaction transaction(*connection_, build_);
  Status outcome;
  try {
    outcome = change(transaction);
  } catch (const std::exception& error) {
    outcome = Internal("{}: {}", path_, error.what());
  }
  // A caller may go on after AlreadyExists; not after the machine's own failures.
  if (outcome.ok()) outcome = transaction.failure();
  if (outcome.ok()) outcome = Commit();
  writing_ = false;
  sqlite3* handle = connection_->database().getHandle();
  if (!outcome.ok() && sqlite3_get_autocommit(handle) == 0) {
    if (connection_->database().tryExec("ROLLBACK") != SQLITE_OK && sqlite3_get_autocommit(handle) == 0) {
      broken_ = Internal("{}: cannot roll back: {}", path_, sqlite3_errmsg(handle));
    }
  }
  return outcome;
}

Status SqliteStore::Commit() {
  try {
    connection_->database().exec("COMMIT");
    return absl::OkStatus();
  } catch (const SQLite::Exception& error) {
    Status status = Annotate(ToStatus(error), path_ + ": commit");
    // A full disk or a lock fails before anything counts. After anything else, a failed fsync above all, the
    // pages may be on the disk or not, and the kernel may call them clean: only a new start from the file
    // tells.
    if (error.getErrorCode() != SQLITE_FULL && error.getErrorCode() != SQLITE_BUSY) broken_ = status;
    return status;
  }
}

Status SqliteStore::Close() {
  if (!connection_) return absl::OkStatus();
  Status outcome = broken_;
  if (broken_.ok()) {
    outcome = Guarded(path_, [&]() -> Status {
      connection_->database().exec("PRAGMA incremental_vacuum");
      SQLite::Statement checkpoint(connection_->database(), "PRAGMA wal_checkpoint(TRUNCATE)");
      if (checkpoint.executeStep() && checkpoint.getColumn(0).getInt() != 0) {
        return Unavailable(
            "another program is still reading it, so results.db-wal holds part of the data; keep the two "
            "together");
      }
      return absl::OkStatus();
    });
  } else {
    // Nothing of an unsure WAL is moved into the file: the next start decides.
    sqlite3_db_config(connection_->database().getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  connection_.reset();
  lock_.reset();
  return outcome;
}

}  // namespace

StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& directory, const OpenOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Internal("{}: cannot make the data folder: {}", directory, error.message());
  RETURN_IF_ERROR(RefuseNetworkFilesystem(directory));
  ASSIGN_OR_RETURN(auto lock, FolderLock::Take(directory));
  const std::string path = directory + "/results.db";
  std::unique_ptr<Connection> connection;
  RETURN_IF_ERROR(Guarded(path, [&]() -> Status {
    connection =
        std::make_unique<Connection>(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, options.vfs);
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(Prepare(connection->database(), path));
  RETURN_IF_ERROR(Migrate(connection->database(), path, EmbeddedMigrations()));
  return std::make_unique<SqliteStore>(std::move(lock), path, std::move(connection), options);
}

}  // namespace lorikeet::store
