#include "coordinator/store/comparisons.h"

#include "coordinator/store/guard.h"
#include "coordinator/store/transaction.h"

namespace lorikeet::store {
namespace {

std::optional<double> Double(Rows& rows, int column) {
  if (rows.Null(column)) return std::nullopt;
  return rows[column].getDouble();
}

}  // namespace

StatusOr<std::vector<core::ScoredTrial>> LoadScores(Connection& connection, std::int64_t configuration_id) {
  std::vector<core::ScoredTrial> trials;
  std::vector<std::string> ids;
  {
    Rows rows(connection.Prepare(
        "SELECT r.trial_id, r.seed, r.kept_step = r.last_step AND r.last_step > 0"
        " AND coalesce(json_extract(c.trial, '$.train.keep'), 'best') = 'best',"
        " r.data_fingerprint, r.model_fingerprint, r.build, r.precision, r.test_rouge1, r.test_rouge2,"
        " r.test_rougeL, r.test_rougeLsum"
        " FROM configurations AS c JOIN trials AS t ON t.configuration_id = c.id"
        " JOIN results AS r ON r.trial_id = t.id WHERE c.id = ? ORDER BY r.seed, t.id",
        configuration_id));
    while (rows.Next()) {
      ids.push_back(rows.Text(0));
      core::ScoredTrial trial;
      trial.seed = rows.Int(1);
      trial.kept_last = rows.Int(2) != 0;
      trial.data_fingerprint = rows.Text(3);
      trial.model_fingerprint = rows.Text(4);
      trial.build = rows.Text(5);
      trial.precision = rows.Text(6);
      trial.test = {.rouge1 = rows[7].getDouble(),
                    .rouge2 = rows[8].getDouble(),
                    .rougeL = rows[9].getDouble(),
                    .rougeLsum = rows[10].getDouble()};
      trials.push_back(std::move(trial));
    }
  }
  for (std::size_t i = 0; i < trials.size(); ++i) {
    Rows rows(
        connection.Prepare("SELECT document_id, rouge1, rouge2, rougeL, rougeLsum FROM predictions"
                           " WHERE trial_id = ? AND split = 'test' ORDER BY document_id",
                           ids[i]));
    while (rows.Next()) {
      trials[i].documents.emplace_back(rows.Text(0), core::RougeF1{.rouge1 = rows[1].getDouble(),
                                                                   .rouge2 = rows[2].getDouble(),
                                                                   .rougeL = rows[3].getDouble(),
                                                                   .rougeLsum = rows[4].getDouble()});
    }
  }
  return trials;
}

StatusOr<std::vector<core::Comparison>> LoadComparisons(Connection& connection, const std::string& sweep_id) {
  std::vector<core::Comparison> comparisons;
  Rows rows(connection.Prepare(
      "SELECT configuration_id, baseline_id, metric, difference, standard_error, degrees, low, high, p_value,"
      " p_not_worse, p_equivalent, p_corrected, p_not_worse_corrected, p_equivalent_corrected, detectable,"
      " documents, seeds, baseline_seeds, verdict, reason FROM comparisons WHERE sweep_id = ?"
      " ORDER BY configuration_id, metric",
      sweep_id));
  while (rows.Next()) {
    core::Comparison comparison;
    comparison.sweep_id = sweep_id;
    comparison.configuration_id = rows.Int(0);
    comparison.baseline_id = rows.Int(1);
    comparison.metric = rows.Text(2);
    comparison.difference = rows[3].getDouble();
    int column = 4;
    for (std::optional<double>* value :
         {&comparison.standard_error, &comparison.degrees, &comparison.low, &comparison.high,
          &comparison.p_value, &comparison.p_not_worse, &comparison.p_equivalent, &comparison.p_corrected,
          &comparison.p_not_worse_corrected, &comparison.p_equivalent_corrected, &comparison.detectable}) {
      *value = Double(rows, column++);
    }
    comparison.documents = rows.Int(column++);
    comparison.seeds = rows.Int(column++);
    comparison.baseline_seeds = rows.Int(column++);
    comparison.verdict = rows.Text(column++);
    comparison.reason = rows.Text(column);
    comparisons.push_back(std::move(comparison));
  }
  return comparisons;
}

std::vector<std::int64_t> LoadCompared(Connection& connection) {
  std::vector<std::int64_t> configurations;
  Rows rows(connection.Prepare("SELECT DISTINCT configuration_id FROM comparisons"));
  while (rows.Next()) configurations.push_back(rows.Int(0));
  return configurations;
}

Status SqliteTransaction::PutComparison(const core::Comparison& comparison) {
  return Run(
      [&] {
        return fmt::format("the comparison of configuration {} by {}", comparison.configuration_id,
                           comparison.metric);
      },
      [&]() -> Status {
        connection_.Run(
            "INSERT OR REPLACE INTO comparisons (sweep_id, configuration_id, baseline_id, metric, difference,"
            " standard_error, degrees, low, high, p_value, p_not_worse, p_equivalent, p_corrected,"
            " p_not_worse_corrected, p_equivalent_corrected, detectable, documents, seeds, baseline_seeds,"
            " verdict, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            comparison.sweep_id, comparison.configuration_id, comparison.baseline_id, comparison.metric,
            comparison.difference, comparison.standard_error, comparison.degrees, comparison.low,
            comparison.high, comparison.p_value, comparison.p_not_worse, comparison.p_equivalent,
            comparison.p_corrected, comparison.p_not_worse_corrected, comparison.p_equivalent_corrected,
            comparison.detectable, comparison.documents, comparison.seeds, comparison.baseline_seeds,
            NullIfEmpty{comparison.verdict}, NullIfEmpty{comparison.reason});
        return absl::OkStatus();
      });
}

Status SqliteTransaction::RemoveComparisons(std::int64_t configuration_id) {
  return Run([&] { return fmt::format("the comparisons with configuration {}", configuration_id); },
             [&]() -> Status {
               connection_.Run("DELETE FROM comparisons WHERE configuration_id = ?1", configuration_id);
               // Only a baseline has any; asked of others it would read the table.
               Rows baseline(connection_.Prepare(
                   "SELECT sweep_id FROM configurations WHERE id = ? AND baseline = 1", configuration_id));
               if (!baseline.Next()) return absl::OkStatus();
               const std::string sweep_id = baseline.Text(0);
               connection_.Run("DELETE FROM comparisons WHERE sweep_id = ? AND baseline_id = ?", sweep_id,
                               configuration_id);
               connection_.Run("DELETE FROM foreign_comparisons WHERE sweep_id = ?", sweep_id);
               return absl::OkStatus();
             });
}

}  // namespace lorikeet::store
