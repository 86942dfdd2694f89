#include "coordinator/store/rewrite_wal.h"

#include <sqlite3.h>

#include <algorithm>
#include <vector>

namespace lorikeet::store {
namespace {

constexpr sqlite3_int64 kPiece = 1 << 16;  // the largest page; a VFS need not write more at once

int Rewrite(sqlite3_file* wal) {
  sqlite3_int64 size = 0;
  int code = wal->pMethods->xFileSize(wal, &size);
  std::vector<char> bytes(static_cast<std::size_t>(std::min(size, kPiece)));
  for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += kPiece) {
    const int count = static_cast<int>(std::min(size - at, kPiece));
    code = wal->pMethods->xRead(wal, bytes.data(), count, at);
    if (code == SQLITE_OK) code = wal->pMethods->xWrite(wal, bytes.data(), count, at);
  }
  if (code == SQLITE_OK && size > 0) code = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
  return code;
}

}  // namespace

Status RewriteWal(Connection& connection) {
  SQLite::Database& database = connection.database();
  database.exec("BEGIN IMMEDIATE");
  sqlite3_file* wal = nullptr;
  int code = sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
  if (code == SQLITE_OK && wal != nullptr && wal->pMethods != nullptr) code = Rewrite(wal);
  database.exec("ROLLBACK");
  if (code == SQLITE_OK) return absl::OkStatus();
  return Internal("cannot write results.db-wal again: {} (SQLite error {})", sqlite3_errstr(code), code);
}

}  // namespace lorikeet::store
