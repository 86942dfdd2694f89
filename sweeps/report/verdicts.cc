#include "sweeps/report/verdicts.h"

#include <fmt/format.h>

#include <algorithm>

#include "sweeps/report/database.h"

namespace lorikeet::report {
namespace {

constexpr int kVerdictsVersion = 12;  // the first whose comparisons are filled
constexpr int kForeignVersion = 13;
// In larger sweeps all attempts together would take longer than the rest of the table.
constexpr std::int64_t kMostForHours = 20'000;

// Trained, and compared with the baseline.
bool Tested(const Row& row) { return !row.baseline && !row.reference; }

void ReadComparisons(SQLite::Database& database,
                     const std::unordered_map<std::string, std::size_t>& positions, Table& table) {
  SQLite::Statement query(database,
                          "SELECT c.name, p.metric, p.difference, p.low, p.high, p.p_value, p.p_corrected,"
                          " p.detectable, p.verdict, p.reason FROM comparisons AS p"
                          " JOIN configurations AS c ON c.id = p.configuration_id"
                          " WHERE p.sweep_id = ?1 AND p.metric IN (?2, 'rouge1')");
  query.bind(1, table.sweep_id);
  query.bind(2, table.primary);
  while (query.executeStep()) {
    TakeComparison(query, table.primary, table.rows[positions.at(query.getColumn(0).getString())]);
  }
}

// Every attempt's, those that failed or were lost too, and those of what a row's settings were chosen from.
void ReadDeviceHours(SQLite::Database& database, int version,
                     const std::unordered_map<std::string, std::size_t>& positions, Table& table) {
  SQLite::Statement query(
      database,
      std::string("SELECT w.name, sum(t.slots * (julianday(a.ended_at) - julianday(a.started_at))) * 24"
                  " FROM configurations AS c JOIN configurations AS w ON w.id = ") +
          (version >= kTuneVersion ? "coalesce(c.candidate_of, c.id)" : "c.id") +
          " CROSS JOIN trials AS t ON t.configuration_id = c.id"
          " CROSS JOIN attempts AS a ON a.trial_id = t.id"
          " WHERE c.sweep_id = ? AND a.started_at IS NOT NULL AND a.ended_at IS NOT NULL GROUP BY w.id");
  query.bind(1, table.sweep_id);
  while (query.executeStep()) {
    table.rows[positions.at(query.getColumn(0).getString())].device_hours = Number(query.getColumn(1));
  }
}

// Rows without a comparison: the difference of the means, and why there is no verdict yet.
void FillIn(Table& table) {
  const auto baseline =
      std::find_if(table.rows.begin(), table.rows.end(), [](const Row& row) { return row.baseline; });
  if (baseline == table.rows.end()) return;
  const auto missing = [](const Row& row) {
    return row.seeds < row.planned ? fmt::format("{} of {}", row.seeds, row.planned) : std::string();
  };
  for (Row& row : table.rows) {
    if (row.baseline) continue;
    if (!row.difference_rouge1 && row.rouge1.mean && baseline->rouge1.mean) {
      row.difference_rouge1 = *row.rouge1.mean - *baseline->rouge1.mean;
    }
    const MeanSd &own = ScoreOf(row, table.primary), &other = ScoreOf(*baseline, table.primary);
    if (!row.comparison.difference && own.mean && other.mean)
      row.comparison.difference = *own.mean - *other.mean;
    if (!Tested(row) || !row.comparison.verdict.empty()) continue;
    row.comparison.verdict = "withheld";
    if (const std::string seeds = missing(row); !seeds.empty()) {
      row.comparison.reason = seeds + " seeds are in";
    } else if (const std::string of_baseline = missing(*baseline); !of_baseline.empty()) {
      row.comparison.reason = of_baseline + " seeds of the baseline are in";
    } else {
      row.comparison.reason = "not compared yet";
    }
  }
}

}  // namespace

void ReadQuestion(SQLite::Database& database, int version, Table& table) {
  if (version < kVerdictsVersion) return;
  SQLite::Statement query(database,
                          "SELECT primary_metric, margin, family, extended FROM sweeps WHERE id = ?");
  query.bind(1, table.sweep_id);
  if (!query.executeStep()) return;
  table.primary = query.getColumn(0).getString();
  table.margin = query.getColumn(1).getDouble();
  table.family = query.getColumn(2).getInt64();
  table.extended = query.getColumn(3).getInt() != 0;
}

void TakeComparison(SQLite::Statement& query, const std::string& primary, Row& row) {
  const std::string metric = query.getColumn(1).getString();
  if (metric == "rouge1") row.difference_rouge1 = Number(query.getColumn(2));
  if (metric != primary) return;
  row.comparison = {.difference = Number(query.getColumn(2)),
                    .low = Number(query.getColumn(3)),
                    .high = Number(query.getColumn(4)),
                    .p_value = Number(query.getColumn(5)),
                    .p_corrected = Number(query.getColumn(6)),
                    .detectable = Number(query.getColumn(7)),
                    .verdict = query.getColumn(8).getString(),
                    .reason = query.getColumn(9).getString()};
}

void ReadForeignRows(SQLite::Database& database, int version, Table& table) {
  if (version < kForeignVersion) return;
  SQLite::Statement query(
      database,
      "SELECT name, source, seeds, rouge1_mean, rouge1_sd, rouge2_mean, rouge2_sd, rougeL_mean,"
      " rougeL_sd, rougeLsum_mean, rougeLsum_sd, trainable_parameters, trainable_percent"
      " FROM foreign_rows WHERE sweep_id = ? ORDER BY imported_at, name");
  query.bind(1, table.sweep_id);
  while (query.executeStep()) {
    Row row;
    row.arm = "foreign";
    row.reference = true;
    row.configuration = query.getColumn(0).getString();
    row.source = query.getColumn(1).getString();
    row.seeds = row.planned = query.getColumn(2).getInt64();
    row.rouge1 = {.mean = Number(query.getColumn(3)), .sd = Number(query.getColumn(4))};
    row.rouge2 = {.mean = Number(query.getColumn(5)), .sd = Number(query.getColumn(6))};
    row.rougeL = {.mean = Number(query.getColumn(7)), .sd = Number(query.getColumn(8))};
    row.rougeLsum = {.mean = Number(query.getColumn(9)), .sd = Number(query.getColumn(10))};
    if (!query.getColumn(11).isNull()) row.trainable_parameters = query.getColumn(11).getInt64();
    if (const auto percent = Number(query.getColumn(12))) row.trainable_share = *percent / 100;
    table.rows.push_back(std::move(row));
  }
}

void ReadVerdicts(SQLite::Database& database, int version,
                  const std::unordered_map<std::string, std::size_t>& positions, Table& table) {
  if (version >= kVerdictsVersion) {
    ReadComparisons(database, positions, table);
  } else {
    for (Row& row : table.rows) row.validation_primary = row.validation_rouge1;  // before there was another
  }
  if (table.trials <= kMostForHours) ReadDeviceHours(database, version, positions, table);
  FillIn(table);
}

}  // namespace lorikeet::report
