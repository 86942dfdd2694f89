#include "sweeps/report/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

#include "common/nearest.h"

namespace lorikeet::report {
namespace {

constexpr int kBusyTimeoutMs = 10'000;
// A sweep's rows lie where their trials ended: with SQLite's own 2 MB a page is read again for every row.
constexpr int kCacheKilobytes = 64 * 1024;

// A path as SQLite's file: URIs want it.
std::string Uri(const std::string& path, const char* query) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri + query;
}

std::unique_ptr<SQLite::Database> OpenWith(const std::string& path, const char* query) {
  auto database = std::make_unique<SQLite::Database>(
      Uri(path, query), SQLite::OPEN_READONLY | SQLite::OPEN_URI, kBusyTimeoutMs);
  database->exec(fmt::format("PRAGMA cache_size = -{}", kCacheKilobytes));
  database->execAndGet("SELECT count(*) FROM sqlite_master");  // opening alone reads nothing
  return database;
}

}  // namespace

// Read-only, and beside a coordinator that writes. Such a connection needs the WAL's shared memory, which
// cannot be made in a folder that we may not write; where there is no WAL either (after a clean stop), the
// file alone is complete, and nobody who could not make that memory can be writing it.
std::unique_ptr<SQLite::Database> OpenReadOnly(const std::string& path) {
  try {
    return OpenWith(path, "?mode=ro");
  } catch (const SQLite::Exception& error) {
    std::error_code ignored;
    const bool no_memory = error.getErrorCode() == SQLITE_CANTOPEN || error.getErrorCode() == SQLITE_READONLY;
    if (!no_memory || !std::filesystem::exists(path, ignored) ||
        std::filesystem::exists(path + "-wal", ignored))
      throw;
    return OpenWith(path, "?mode=ro&immutable=1");
  }
}

bool HasColumn(SQLite::Database& database, const std::string& table, const std::string& column) {
  SQLite::Statement query(database, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?");
  query.bind(1, table);
  query.bind(2, column);
  return query.executeStep();
}

std::vector<std::string> SweepNames(SQLite::Database& database) {
  std::vector<std::string> names;
  SQLite::Statement query(database, "SELECT name FROM sweeps ORDER BY submitted_at, rowid");
  while (query.executeStep()) names.push_back(query.getColumn(0).getString());
  return names;
}

Status NoSuchSweep(SQLite::Database& database, const std::string& path, const std::string& sweep) {
  const std::vector<std::string> names = SweepNames(database);
  if (names.empty()) return NotFound("{}: holds no sweep yet", path);
  const std::string near = DidYouMean(sweep, names);
  return NotFound("{}: holds no sweep '{}'{}", path, sweep,
                  near.empty() ? fmt::format("; the newest is '{}'", names.back()) : near);
}

Status ToStatus(const SQLite::Exception& error, const std::string& path) {
  switch (error.getErrorCode()) {
    case SQLITE_NOTADB:
      return InvalidArgument("{}: is not a SQLite database", path);
    case SQLITE_BUSY:
      return Unavailable("{}: another program has it locked", path);
    case SQLITE_CANTOPEN:
      return NotFound("{}: cannot be opened ({})", path, error.what());
    default:
      return Internal("{}: {}", path, error.what());
  }
}

std::string RowsAlone(int schema_version, const std::string& alias) {
  return schema_version < kTuneVersion ? "" : " AND " + alias + "candidate_of IS NULL";
}

}  // namespace lorikeet::report
