#include "sweeps/report/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

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

}  // namespace lorikeet::report
