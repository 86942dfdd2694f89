#include "coordinator/store/candidates.h"

#include "coordinator/store/guard.h"
#include "coordinator/store/rows.h"
#include "coordinator/store/transaction.h"

namespace lorikeet::store {

StatusOr<std::vector<core::Candidate>> LoadCandidates(Connection& connection, std::int64_t row_id,
                                                      const std::string& metric) {
  std::vector<core::Candidate> candidates;
  Rows rows(
      connection.Prepare("SELECT c.id, c.name, c.axes, c.planned,"
                         " CASE ?2 WHEN 'validation_loss' THEN r.validation_loss ELSE r.validation_rouge1 END"
                         " FROM configurations AS c JOIN trials AS t ON t.configuration_id = c.id"
                         " LEFT JOIN results AS r ON r.trial_id = t.id WHERE c.candidate_of = ?1 ORDER BY "
                         "c.position, c.id, t.seed",
                         row_id, metric));
  while (rows.Next()) {
    if (candidates.empty() || candidates.back().configuration_id != rows.Int(0)) {
      core::Candidate& candidate = candidates.emplace_back();
      candidate.configuration_id = rows.Int(0);
      candidate.name = rows.Text(1);
      ASSIGN_OR_RETURN(candidate.axes, PairsFromJson(rows.Text(2)));
      candidate.planned = rows.Int(3);
    }
    if (!rows.Null(4)) candidates.back().scores.push_back(rows[4].getDouble());
  }
  return candidates;
}

Status SqliteTransaction::ChooseCandidate(std::int64_t row_id, std::int64_t candidate_id,
                                          const std::string& edge) {
  return Run(
      [&] { return fmt::format("the choice of configuration {} for {}", candidate_id, row_id); },
      [&]() -> Status {
        return Changed(connection_.Run(
            "UPDATE configurations SET chosen_id = chosen.id, edge = ?3, settings = chosen.settings,"
            " trial = json_set(chosen.trial, '$.configuration', configurations.name)"
            " FROM (SELECT id, settings, trial, candidate_of FROM configurations WHERE id = ?2) AS chosen"
            " WHERE configurations.id = ?1 AND chosen.candidate_of = ?1",
            row_id, candidate_id, NullIfEmpty{edge}));
      });
}

}  // namespace lorikeet::store
