// Scores that come from outside: the transaction's part.
#include "coordinator/store/guard.h"
#include "coordinator/store/transaction.h"

namespace lorikeet::store {

Status SqliteTransaction::PutForeignSummaries(const std::string& sweep_id, const std::string& name,
                                              std::int64_t seed,
                                              const std::vector<core::ForeignSummary>& summaries) {
  return Run([&] { return fmt::format("summaries of row '{}', seed {}", name, seed); },
             [&]() -> Status {
               for (const core::ForeignSummary& summary : summaries) {
                 connection_.Run(
                     "INSERT INTO foreign_summaries (sweep_id, name, seed, document_id, summary, rouge1,"
                     " rouge2, rougeL, rougeLsum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     sweep_id, name, seed, summary.document_id, summary.summary, summary.rouge.rouge1,
                     summary.rouge.rouge2, summary.rouge.rougeL, summary.rouge.rougeLsum);
               }
               return Changed(connection_.Run(
                   "UPDATE foreign_rows SET tested = 1 WHERE sweep_id = ? AND name = ?", sweep_id, name));
             });
}

Status SqliteTransaction::PutForeignComparison(const core::ForeignComparison& row) {
  const core::Comparison& from = row.comparison;
  return Run([&] { return fmt::format("the comparison of row '{}' by {}", row.name, from.metric); },
             [&]() -> Status {
               connection_.Run(
                   "INSERT OR REPLACE INTO foreign_comparisons (sweep_id, name, baseline_id, metric,"
                   " difference, standard_error, degrees, low, high, p_value, p_not_worse, p_equivalent,"
                   " p_corrected, p_not_worse_corrected, p_equivalent_corrected, detectable, documents,"
                   " seeds, baseline_seeds, verdict, reason)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   from.sweep_id, row.name, from.baseline_id, from.metric, from.difference,
                   from.standard_error, from.degrees, from.low, from.high, from.p_value, from.p_not_worse,
                   from.p_equivalent, from.p_corrected, from.p_not_worse_corrected,
                   from.p_equivalent_corrected, from.detectable, from.documents, from.seeds,
                   from.baseline_seeds, NullIfEmpty{from.verdict}, NullIfEmpty{from.reason});
               return absl::OkStatus();
             });
}

Status SqliteTransaction::RemoveForeignComparisons(const std::string& sweep_id) {
  return Run([&] { return fmt::format("the comparisons of the imported rows of sweep {}", sweep_id); },
             [&]() -> Status {
               connection_.Run("DELETE FROM foreign_comparisons WHERE sweep_id = ?", sweep_id);
               return absl::OkStatus();
             });
}

Status SqliteTransaction::PutScoreRun(const std::string& sweep_id, const core::ScoreRun& run, WallTime at) {
  return Run(
      [&] { return fmt::format("{} of '{}', seed {}", run.metric, run.configuration, run.seed); },
      [&]() -> Status {
        connection_.Run(
            "DELETE FROM scores WHERE run_id = (SELECT id FROM score_runs WHERE sweep_id = ?"
            " AND metric = ? AND configuration = ? AND seed = ?)",
            sweep_id, run.metric, run.configuration, run.seed);
        double mean = 0;
        for (const auto& [id, score] : run.documents) mean += score;
        const auto documents = static_cast<std::int64_t>(run.documents.size());
        mean /= static_cast<double>(documents);
        connection_.Run(
            "INSERT INTO score_runs (sweep_id, metric, configuration, seed, mean, documents, scored_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sweep_id, metric, configuration, seed)"
            " DO UPDATE SET mean = excluded.mean, documents = excluded.documents,"
            " scored_at = excluded.scored_at",
            sweep_id, run.metric, run.configuration, run.seed, mean, documents, at);
        std::int64_t run_id = 0;
        {
          Rows rows(
              connection_.Prepare("SELECT id FROM score_runs WHERE sweep_id = ? AND metric = ?"
                                  " AND configuration = ? AND seed = ?",
                                  sweep_id, run.metric, run.configuration, run.seed));
          if (rows.Next()) run_id = rows.Int(0);
        }
        for (const auto& [id, score] : run.documents) {
          connection_.Run("INSERT INTO scores (run_id, document_id, score) VALUES (?, ?, ?)", run_id, id,
                          score);
        }
        return absl::OkStatus();
      });
}

Status SqliteTransaction::MarkExtended(const std::string& sweep_id) {
  return Run([&] { return "sweep " + sweep_id; },
             [&]() -> Status {
               return Changed(connection_.Run("UPDATE sweeps SET extended = 1 WHERE id = ?", sweep_id));
             });
}

// What hangs on an imported row, which goes with it or is replaced with it.
void SqliteTransaction::RemoveWhatHangsOn(const std::string& sweep_id, const std::string& name) {
  connection_.Run("DELETE FROM foreign_comparisons WHERE sweep_id = ? AND name = ?", sweep_id, name);
  connection_.Run("DELETE FROM foreign_summaries WHERE sweep_id = ? AND name = ?", sweep_id, name);
  connection_.Run(
      "DELETE FROM scores WHERE run_id IN (SELECT id FROM score_runs WHERE sweep_id = ? AND configuration = "
      "?)",
      sweep_id, name);
  connection_.Run("DELETE FROM score_runs WHERE sweep_id = ? AND configuration = ?", sweep_id, name);
}

}  // namespace lorikeet::store
