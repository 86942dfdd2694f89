#include "coordinator/store/connection.h"

#include <sqlite3.h>

namespace lorikeet::store {

Status ToStatus(const SQLite::Exception& error) {
  switch (error.getExtendedErrorCode()) {
    case SQLITE_IOERR_SHMSIZE:  // no room for what SQLite keeps beside the WAL
      return MakeStatus(absl::StatusCode::kResourceExhausted, "the disk is full ({})", error.what());
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
      return MakeStatus(absl::StatusCode::kAlreadyExists, "{}", error.what());
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return NotFound("refers to something that is not in the database");
  }
  switch (error.getErrorCode()) {
    case SQLITE_CONSTRAINT:
      return InvalidArgument("{}", error.what());
    case SQLITE_BUSY:
      return Unavailable("another program has the database locked ({})", error.what());
    case SQLITE_PROTOCOL:
      return Unavailable("other programs take and leave its locks all the time ({})", error.what());
    case SQLITE_FULL:
      return MakeStatus(absl::StatusCode::kResourceExhausted, "the disk is full ({})", error.what());
    case SQLITE_NOTADB:
      return InvalidArgument("is not a SQLite database");
    default:
      return Internal("{} (SQLite error {})", error.what(), error.getExtendedErrorCode());
  }
}

Connection::Connection(const std::string& path, int flags, std::chrono::milliseconds wait,
                       const std::string& vfs)
    : database_(path, flags, static_cast<int>(wait.count()), vfs) {
  sqlite3* handle = database_.getHandle();
  // In the place of the hook that checkpoints every thousand pages.
  const auto note_pages = [](void* pages, sqlite3*, const char*, int count) {
    *static_cast<std::int64_t*>(pages) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle, note_pages, &wal_pages_);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void Connection::RemoveWalOnClose() {
  sqlite3_db_config(database_.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

}  // namespace lorikeet::store
