#include "sweeps/report/scores.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "sweeps/report/database.h"
#include "sweeps/report/verdicts.h"

namespace lorikeet::report {
namespace {

std::unordered_map<std::string, Row*> RowsByName(Table& table) {
  std::unordered_map<std::string, Row*> rows;
  for (Row& row : table.rows) rows.emplace(row.configuration, &row);
  return rows;
}

}  // namespace

void ReadForeignVerdicts(SQLite::Database& database, Table& table) {
  if (!database.tableExists("foreign_comparisons")) return;
  const auto rows = RowsByName(table);
  SQLite::Statement tested(database, "SELECT name FROM foreign_rows WHERE sweep_id = ? AND tested = 1");
  tested.bind(1, table.sweep_id);
  while (tested.executeStep()) {
    const auto row = rows.find(tested.getColumn(0).getString());
    if (row == rows.end()) continue;
    row->second->arm = "imported";
    row->second->reference = false;
    row->second->comparison.verdict = "withheld";
    row->second->comparison.reason = "the baseline's seeds are not all in";
    ++table.imported;
  }
  SQLite::Statement query(database,
                          "SELECT name, metric, difference, low, high, p_value, p_corrected, detectable,"
                          " verdict, reason FROM foreign_comparisons"
                          " WHERE sweep_id = ?1 AND metric IN (?2, 'rouge1')");
  query.bind(1, table.sweep_id);
  query.bind(2, table.primary);
  while (query.executeStep()) {
    const auto row = rows.find(query.getColumn(0).getString());
    if (row != rows.end()) TakeComparison(query, table.primary, *row->second);
  }
}

void ReadScores(SQLite::Database& database, Table& table) {
  if (!database.tableExists("score_runs")) return;
  const auto rows = RowsByName(table);
  SQLite::Statement query(database,
                          "SELECT configuration, metric, mean, sd, difference, low, high, p_value,"
                          " p_corrected, seeds FROM score_table WHERE sweep = ?");
  query.bind(1, table.sweep);
  while (query.executeStep()) {
    const auto row = rows.find(query.getColumn(0).getString());
    if (row == rows.end()) continue;
    const std::string metric = query.getColumn(1).getString();
    if (std::find(table.more_metrics.begin(), table.more_metrics.end(), metric) == table.more_metrics.end()) {
      table.more_metrics.push_back(metric);
    }
    OtherScore& score = row->second->scores[metric];
    score.value = {.mean = Number(query.getColumn(2)), .sd = Number(query.getColumn(3))};
    // As with ROUGE: a reference runs once.
    if (row->second->reference) score.value.sd.reset();
    score.difference = Number(query.getColumn(4));
    score.low = Number(query.getColumn(5));
    score.high = Number(query.getColumn(6));
    score.p_value = Number(query.getColumn(7));
    score.p_corrected = Number(query.getColumn(8));
    score.seeds = query.getColumn(9).getInt64();
  }
  std::sort(table.more_metrics.begin(), table.more_metrics.end());
}

}  // namespace lorikeet::report
