// Brings a database forward: numbered SQL files, each in a transaction of its own.
//
// PRAGMA user_version is how many are applied. Functions without state; the caller owns the connection,
// alone.
#pragma once

#include <string>
#include <vector>

#include "common/status.h"

namespace SQLite {
class Database;
}

namespace lorikeet::store {

struct Migration {
  int number;  // from 1, without gaps
  const char* name;
  const char* sql;
};

// migrations/*.sql as they were at build time.
const std::vector<Migration>& EmbeddedMigrations();

// Applies those of `migrations` that the database lacks, and keeps a copy of it as it was beside it, as
// PATH.version-N. FailedPrecondition, naming `path` and both versions,
// where it has more than we know; InvalidArgument where it holds tables but is no results database. A
// migration that fails leaves the database at the version before it.
Status Migrate(SQLite::Database& database, const std::string& path, const std::vector<Migration>& migrations);

}  // namespace lorikeet::store
