// A copy of the database as it was before it is brought forward: a migration cannot be undone.
#pragma once

#include <string>

#include "common/status.h"

namespace SQLite {
class Database;
}

namespace lorikeet::store {

// Copies the database at `path` to PATH.version-N, on disk before it returns; one of that name is replaced.
// ResourceExhausted where there is no room for it. May throw SQLite::Exception.
Status KeepCopy(SQLite::Database& database, const std::string& path, int version);

}  // namespace lorikeet::store
