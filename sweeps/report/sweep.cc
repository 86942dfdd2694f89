#include "sweeps/report/sweep.h"

#include <nlohmann/json.hpp>

#include "common/nearest.h"
#include "sweeps/report/database.h"

namespace lorikeet::report {
namespace {

constexpr std::size_t kMostNamed = 20;  // in a message

// One walk over the sweep's results.
void ReadFiles(SQLite::Database& database, SweepFacts& facts) {
  SQLite::Statement query(database,
                          "SELECT min(test_documents), max(test_documents), count(DISTINCT data_fingerprint),"
                          " count(DISTINCT nullif(model_fingerprint, '')) FROM results WHERE sweep = ?");
  query.bind(1, facts.name);
  if (!query.executeStep()) return;
  if (!query.isColumnNull(0) && query.getColumn(0).getInt64() == query.getColumn(1).getInt64())
    facts.test_documents = query.getColumn(0).getInt64();
  facts.mixed = query.getColumn(2).getInt64() > 1 || query.getColumn(3).getInt64() > 1;
}

}  // namespace

StatusOr<SweepFacts> ReadFacts(SQLite::Database& database, const std::string& path,
                               const std::string& sweep) {
  SQLite::Statement query(
      database,
      // By the index that holds the states: a sweep's trials are many.
      "SELECT id, name, state, trials, seeds, notes,"
      " (SELECT count(*) FROM configurations AS c CROSS JOIN trials AS t ON t.configuration_id = c.id"
      "  WHERE c.sweep_id = w.id AND t.state = 'succeeded'),"
      " (SELECT count(*) FROM configurations AS c CROSS JOIN trials AS t ON t.configuration_id = c.id"
      "  WHERE c.sweep_id = w.id AND t.state = 'failed')"
      " FROM sweeps AS w WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1");
  query.bind(1, sweep);
  if (!query.executeStep()) return NoSuchSweep(database, path, sweep);
  SweepFacts facts;
  facts.id = query.getColumn(0).getString();
  facts.name = query.getColumn(1).getString();
  facts.state = query.getColumn(2).getString();
  facts.trials = query.getColumn(3).getInt64();
  facts.seeds = static_cast<std::int64_t>(nlohmann::json::parse(query.getColumn(4).getString()).size());
  facts.notes = nlohmann::json::parse(query.getColumn(5).getString()).get<std::vector<std::string>>();
  facts.succeeded = query.getColumn(6).getInt64();
  facts.failed = query.getColumn(7).getInt64();
  if (HasColumn(database, "sweeps", "primary_metric")) {
    SQLite::Statement primary(database, "SELECT primary_metric FROM sweeps WHERE id = ?");
    primary.bind(1, facts.id);
    if (primary.executeStep()) facts.primary_metric = primary.getColumn(0).getString();
  }
  ReadFiles(database, facts);
  return facts;
}

StatusOr<std::string> OneOf(const char* what, const std::string& wanted,
                            const std::vector<std::string>& known) {
  for (const std::string& name : known) {
    if (name == wanted) return wanted;
  }
  const std::vector<std::string> named(
      known.begin(), known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kMostNamed)));
  return InvalidArgument("there is no {} '{}'{}; there {}: {}{}", what, wanted, DidYouMean(wanted, known),
                         known.size() == 1 ? "is" : "are", fmt::join(named, ", "),
                         known.size() > kMostNamed ? ", …" : "");
}

}  // namespace lorikeet::report
