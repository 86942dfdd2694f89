#include "coordinator/store/connection.h"

#include <sqlite3.h>

namespace lorikeet::store {

Status ToStatus(const SQLite::Exception& error) {
  switch (error.getExtendedErrorCode()) {
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
    case SQLITE_FULL:
      return Internal("the disk is full ({})", error.what());
    case SQLITE_NOTADB:
      return InvalidArgument("is not a SQLite database");
    default:
      return Internal("{} (SQLite error {})", error.what(), error.getExtendedErrorCode());
  }
}

}  // namespace lorikeet::store
