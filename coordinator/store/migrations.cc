#include "coordinator/store/migrations.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "coordinator/store/connection.h"
#include "coordinator/store/keep_copy.h"

namespace lorikeet::store {
namespace {

void Apply(SQLite::Database& database, const Migration& migration) {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec(migration.sql);
    SQLite::Statement broken(database, "PRAGMA foreign_key_check");
    if (broken.executeStep()) {
      throw SQLite::Exception("a row of " + broken.getColumn(0).getString() + " refers to nothing");
    }
    database.exec(fmt::format("PRAGMA user_version = {}", migration.number));
    database.exec("COMMIT");
  } catch (...) {
    database.tryExec("ROLLBACK");
    throw;
  }
}

}  // namespace

Status Migrate(SQLite::Database& database, const std::string& path,
               const std::vector<Migration>& migrations) {
  const int known = static_cast<int>(migrations.size());
  const Migration* current = nullptr;
  try {
    const int version = database.execAndGet("PRAGMA user_version").getInt();
    if (version > known) {
      return FailedPrecondition(
          "{}: the database has version {}, this build knows up to version {}; run a newer "
          "sweep-coordinator, or "
          "choose another --data folder",
          path, version, known);
    }
    if (version == known) return absl::OkStatus();
    if (version == 0 && database.execAndGet("SELECT count(*) FROM sqlite_master").getInt64() > 0) {
      return InvalidArgument(
          "{}: is a SQLite database, but not one of Lorikeet's; choose another --data folder", path);
    }
    if (version > 0) RETURN_IF_ERROR(KeepCopy(database, path, version));
    // A migration that rebuilds a table must be able to drop the old one; foreign_key_check looks before
    // COMMIT.
    database.exec("PRAGMA foreign_keys = OFF");
    for (const Migration& migration : migrations) {
      if (migration.number <= version) continue;
      current = &migration;
      Apply(database, migration);
    }
    database.exec("PRAGMA foreign_keys = ON");
  } catch (const SQLite::Exception& error) {
    return Annotate(ToStatus(error), current ? fmt::format("{}: migration {}", path, current->name) : path);
  }
  return absl::OkStatus();
}

}  // namespace lorikeet::store
