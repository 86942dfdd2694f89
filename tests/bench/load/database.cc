#include "tests/bench/load/database.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace lorikeet::load {
namespace {

constexpr int kBusyMilliseconds = 10'000;

Status DataLoss(std::string message) { return {absl::StatusCode::kDataLoss, std::move(message)}; }

Status Read(const std::string& database, const std::function<Status(SQLite::Database&)>& body) {
  try {
    SQLite::Database connection(database, SQLite::OPEN_READONLY, kBusyMilliseconds);
    return body(connection);
  } catch (const SQLite::Exception& error) {
    return Internal("{}: {}", database, error.what());
  }
}

}  // namespace

Status CheckResults(const std::string& database, std::vector<std::string> acknowledged) {
  std::sort(acknowledged.begin(), acknowledged.end());
  if (const auto twice = std::adjacent_find(acknowledged.begin(), acknowledged.end());
      twice != acknowledged.end()) {
    return DataLoss(fmt::format("trial {}: two results were acknowledged", *twice));
  }
  return Read(database, [&](SQLite::Database& connection) -> Status {
    std::vector<std::string> stored;
    SQLite::Statement results(connection, "SELECT trial_id FROM results ORDER BY trial_id");
    while (results.executeStep()) stored.push_back(results.getColumn(0).getString());
    std::vector<std::string> missing;
    std::set_difference(acknowledged.begin(), acknowledged.end(), stored.begin(), stored.end(),
                        std::back_inserter(missing));
    if (!missing.empty()) {
      return DataLoss(fmt::format("{} of {} acknowledged results are not in {}, trial {} for one",
                                  missing.size(), acknowledged.size(), database, missing.front()));
    }
    const std::int64_t odd =
        connection
            .execAndGet(
                "SELECT count(*) FROM results r WHERE (SELECT count(*) FROM attempts a WHERE a.trial_id ="
                " r.trial_id AND a.state = 'succeeded') <> 1")
            .getInt64();
    if (odd != 0) return DataLoss(fmt::format("{} results are not of one attempt that succeeded", odd));
    return absl::OkStatus();
  });
}

StatusOr<std::int64_t> CountPoints(const std::string& database) {
  std::int64_t count = 0;
  RETURN_IF_ERROR(Read(database, [&](SQLite::Database& connection) -> Status {
    count = connection.execAndGet("SELECT count(*) FROM metrics").getInt64();
    return absl::OkStatus();
  }));
  return count;
}

}  // namespace lorikeet::load
