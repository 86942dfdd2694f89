#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "sweeps/report/readers.h"
#include "sweeps/report/sweep.h"

namespace lorikeet::report {
namespace {

void ReadBaseline(SQLite::Database& database, Sensitivity& read) {
  SQLite::Statement row(database, fmt::format("SELECT configuration, seeds, {0}_mean, {0}_sd FROM rouge_table"
                                              " WHERE sweep = ? AND baseline = 1",
                                              read.metric));
  row.bind(1, read.sweep.name);
  if (!row.executeStep()) return;
  read.baseline = row.getColumn(0).getString();
  read.baseline_score =
      MakeScore(row.getColumn(1).getInt64(), FiniteNumber(row.getColumn(2)), FiniteNumber(row.getColumn(3)));
  SQLite::Statement range(database, fmt::format("SELECT 100 * min(test_{0}), 100 * max(test_{0}) FROM results"
                                                " WHERE sweep = ? AND configuration = ?",
                                                read.metric));
  range.bind(1, read.sweep.name);
  range.bind(2, read.baseline);
  if (!range.executeStep()) return;
  read.baseline_score.lowest = FiniteNumber(range.getColumn(0));
  read.baseline_score.highest = FiniteNumber(range.getColumn(1));
}

SensitivityPoint PointOf(SQLite::Statement& row) {
  SensitivityPoint point;
  const SQLite::Column value = row.getColumn(3);
  point.value = value.getString();
  if (value.isInteger() || value.isFloat()) point.number = FiniteNumber(value);
  point.score =
      MakeScore(row.getColumn(4).getInt64(), FiniteNumber(row.getColumn(5)), FiniteNumber(row.getColumn(6)));
  point.score.lowest = FiniteNumber(row.getColumn(7));
  point.score.highest = FiniteNumber(row.getColumn(8));
  return point;
}

}  // namespace

StatusOr<Sensitivity> ReadSensitivity(SQLite::Database& database, const SweepFacts& facts,
                                      const std::string& metric, const std::string& axis) {
  Sensitivity read;
  read.sweep = facts;
  read.metric = metric;
  ReadBaseline(database, read);
  SQLite::Statement row(database,
                        "SELECT arm, axis, held, value, seeds, mean, sd, low, high FROM sensitivity"
                        " WHERE sweep = ? AND metric = ?");
  row.bind(1, facts.name);
  row.bind(2, metric);
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> places;
  std::set<std::string> axes;
  while (row.executeStep()) {
    const std::string arm = row.getColumn(0).getString(), of = row.getColumn(1).getString(),
                      held = row.getColumn(2).getString();
    axes.insert(of);
    if (!axis.empty() && of != axis) continue;
    const auto [place, is_new] = places.emplace(std::tuple(arm, of, held), read.lines.size());
    if (is_new) read.lines.push_back({.arm = arm, .axis = of, .held = held, .points = {}});
    read.lines[place->second].points.push_back(PointOf(row));
  }
  if (!axis.empty() && read.lines.empty() && !axes.empty())
    RETURN_IF_ERROR(OneOf("axis", axis, {axes.begin(), axes.end()}).status());
  return read;
}

}  // namespace lorikeet::report
