#include "coordinator/store/keep_copy.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "common/files.h"

namespace lorikeet::store {

Status KeepCopy(SQLite::Database& database, const std::string& path, int version) {
  const std::string copy = fmt::format("{}.version-{}", path, version), unfinished = copy + ".tmp";
  std::error_code ignored;
  std::filesystem::remove(unfinished, ignored);  // of a start that was killed
  {
    SQLite::Database to(unfinished, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    to.exec("PRAGMA synchronous = FULL");
    SQLite::Backup backup(to, database);
    if (const int done = backup.executeStep(-1); done != SQLITE_DONE)
      throw SQLite::Exception(to.getHandle(), done);
    to.exec("PRAGMA journal_mode = DELETE");  // one file, complete by itself
  }
  if (std::rename(unfinished.c_str(), copy.c_str()) != 0) {
    return Internal("{}: {}", copy, std::strerror(errno));
  }
  return SyncFolder(std::filesystem::path(path).parent_path().string());
}

}  // namespace lorikeet::store
