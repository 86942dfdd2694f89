// A results database opened to be read, while a coordinator may write it.
//
// Throws SQLite::Exception; callers inside sweeps/report turn it into a status.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::report {

std::unique_ptr<SQLite::Database> OpenReadOnly(const std::string& path);

// InvalidArgument: no SQLite database. Unavailable: locked. NotFound: cannot be opened. Else Internal.
Status ToStatus(const SQLite::Exception& error, const std::string& path);

// Later columns are missing from databases of earlier builds.
bool HasColumn(SQLite::Database& database, const std::string& table, const std::string& column);
// The first schema with candidates beside a table's rows.
inline constexpr int kTuneVersion = 14;
// " AND c.candidate_of IS NULL": leaves out what rows' settings were chosen from; empty where the schema has
// none.
std::string RowsAlone(int schema_version, const std::string& alias);

// In the order of their submission.
std::vector<std::string> SweepNames(SQLite::Database& database);
// NotFound, with the nearest name there is, or the newest.
Status NoSuchSweep(SQLite::Database& database, const std::string& path, const std::string& sweep);

// NULL is none.
inline std::optional<double> Number(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getDouble();
}

// What `body` returns, or what it threw as a status.
template <typename Body>
auto Guarded(const std::string& path, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& error) {
    return ToStatus(error, path);
  } catch (const std::exception& error) {
    return Internal("{}: {}", path, error.what());
  }
}

}  // namespace lorikeet::report
