#include "sweeps/report/check.h"

#include <fmt/format.h>

#include "sweeps/report/database.h"
#include "sweeps/report/findings.h"

namespace lorikeet::report {
namespace {

// "ok" alone is nothing to report.
void AddDamage(SQLite::Database& database, Findings& findings) {
  SQLite::Statement check(database, "PRAGMA integrity_check(100)");
  while (check.executeStep() && !findings.full()) {
    const std::string line = check.getColumn(0).getString();
    if (line != "ok") findings.Add("the file is damaged: " + line);
  }
}

void AddReferences(SQLite::Database& database, Findings& findings) {
  SQLite::Statement check(database, "PRAGMA foreign_key_check");
  while (check.executeStep() && !findings.full()) {
    findings.Add(fmt::format("a row of {} refers to one of {} that is not there",
                             check.getColumn(0).getString(), check.getColumn(2).getString()));
  }
}

}  // namespace

const std::vector<Rule>& Rules() {
  static const std::vector<Rule> rules = {
      {"a trial is running and has no lease, or has one and is not, or has several",
       "SELECT t.id FROM trials AS t WHERE (t.state = 'running') <> ((SELECT count(*) FROM attempts AS a "
       "WHERE a.trial_id = t.id AND a.state IN ('granted', 'running')) = 1)"},
      {"a trial succeeded and has no result, or has one and did not",
       "SELECT t.id FROM trials AS t WHERE (t.state = 'succeeded') <> EXISTS (SELECT 1 FROM results AS r "
       "WHERE r.trial_id = t.id)"},
      {"an attempt may still report, and its token is not its trial's newest",
       "SELECT a.id FROM attempts AS a JOIN trials AS t ON t.id = a.trial_id "
       "WHERE a.state IN ('granted', 'running', 'lost') AND a.token <> t.token"},
      {"a result is of an attempt that did not succeed, or of another trial, or of an older token",
       "SELECT r.trial_id FROM results AS r JOIN attempts AS a ON a.id = r.attempt_id "
       "JOIN trials AS t ON t.id = r.trial_id "
       "WHERE a.state <> 'succeeded' OR a.trial_id <> t.id OR a.token <> t.token"},
      {"a result names another sweep, configuration or seed than its trial",
       "SELECT r.trial_id FROM results AS r JOIN trials AS t ON t.id = r.trial_id "
       "JOIN configurations AS c ON c.id = t.configuration_id JOIN sweeps AS s ON s.id = t.sweep_id "
       "WHERE r.sweep <> s.name OR r.configuration <> c.name OR r.arm <> c.arm OR r.seed <> t.seed"},
      {"a trial's attempts are not numbered from 1 without gaps",
       "SELECT trial_id FROM attempts GROUP BY trial_id HAVING min(number) <> 1 OR max(number) <> count(*)"},
      {"predictions wait for a result that can never come",
       "SELECT DISTINCT p.attempt_id FROM staged_predictions AS p JOIN attempts AS a ON a.id = p.attempt_id "
       "WHERE a.state NOT IN ('granted', 'running', 'lost')"},
      {"a sweep has ended and a trial of it has not, or the other way round",
       "SELECT s.name FROM sweeps AS s WHERE (s.state IN ('finished', 'cancelled')) = EXISTS (SELECT 1 FROM "
       "trials AS t WHERE t.sweep_id = s.id AND t.state IN ('pending', 'running'))"},
      {"a sweep has not the number of trials that it was submitted with",
       "SELECT s.name FROM sweeps AS s WHERE s.trials <> (SELECT count(*) FROM trials AS t WHERE t.sweep_id "
       "= "
       "s.id)"},
      {"a configuration has not the number of trials that was planned",
       "SELECT c.name FROM configurations AS c WHERE c.planned <> (SELECT count(*) FROM trials AS t WHERE "
       "t.configuration_id = c.id)"},
      {"a trial is of another sweep than its configuration",
       "SELECT t.id FROM trials AS t JOIN configurations AS c ON c.id = t.configuration_id "
       "WHERE c.sweep_id <> t.sweep_id"},
      {"an attempt is over and has no end, or is not and has one",
       "SELECT id FROM attempts WHERE (ended_at IS NULL) <> (state IN ('granted', 'running', 'lost'))"},
      {"a result is of another model or of other documents than its sweep's",
       "SELECT r.trial_id FROM results AS r JOIN trials AS t ON t.id = r.trial_id JOIN sweep_files AS f "
       "ON f.sweep_id = t.sweep_id AND r.finished_at >= f.fixed_at WHERE "
       "(f.name = 'model' AND r.model_fingerprint NOT IN ('', f.fingerprint)) OR "
       "(f.name = 'documents' AND r.data_fingerprint NOT IN ('', f.fingerprint))"},
      {"an artifact is of another trial, or has another token, than the attempt that it is of",
       "SELECT f.path FROM artifacts AS f JOIN attempts AS a ON a.id = f.attempt_id "
       "WHERE a.trial_id <> f.trial_id OR a.token <> f.token"},
      {"a checkpoint is kept for a trial that succeeded, or an adapter of one that did not",
       "SELECT f.path FROM artifacts AS f JOIN trials AS t ON t.id = f.trial_id "
       "WHERE (f.kind = 'adapter') <> (t.state = 'succeeded')"},
      {"a comparison is there, and a trial of its configuration or of the baseline has not ended",
       "SELECT c.name FROM comparisons AS p JOIN configurations AS c ON c.id = p.configuration_id WHERE "
       "EXISTS "
       "(SELECT 1 FROM trials AS t WHERE t.configuration_id IN (p.configuration_id, p.baseline_id) AND "
       "t.state IN ('pending', 'running'))"},
      {"a comparison counts other seeds than have results",
       "SELECT c.name FROM comparisons AS p JOIN configurations AS c ON c.id = p.configuration_id WHERE "
       "p.seeds <> (SELECT count(*) FROM trials AS t WHERE t.configuration_id = p.configuration_id AND "
       "t.state = 'succeeded') OR p.baseline_seeds <> (SELECT count(*) FROM trials AS t WHERE "
       "t.configuration_id = p.baseline_id AND t.state = 'succeeded')"},
      {"an imported row counts other seeds than it has summaries of, or is tested in a sweep that is not "
       "extended",
       "SELECT r.name FROM foreign_rows AS r JOIN sweeps AS s ON s.id = r.sweep_id WHERE r.tested = 1 AND "
       "(s.extended = 0 OR r.seeds <> (SELECT count(DISTINCT f.seed) FROM foreign_summaries AS f WHERE "
       "f.sweep_id = r.sweep_id AND f.name = r.name))",
       "foreign_summaries"},
      {"an imported row has not a summary of each document of the test split",
       "SELECT f.name FROM foreign_summaries AS f GROUP BY f.sweep_id, f.name, f.seed HAVING count(*) <> "
       "(SELECT count(*) FROM documents AS d WHERE d.sweep_id = f.sweep_id AND d.split = 'test')",
       "foreign_summaries"},
      {"a run has not a score of each document of the test split",
       "SELECT r.configuration FROM score_runs AS r WHERE "
       "r.documents <> (SELECT count(*) FROM scores AS s WHERE s.run_id = r.id) OR r.documents <> "
       "(SELECT count(*) FROM documents AS d WHERE d.sweep_id = r.sweep_id AND d.split = 'test')",
       "scores"},
  };
  return rules;
}

StatusOr<std::vector<std::string>> CheckIntegrity(const std::string& path) {
  return Guarded(path, [&]() -> StatusOr<std::vector<std::string>> {
    Findings findings;
    AddDamage(*OpenReadOnly(path), findings);
    return findings.Take();
  });
}

StatusOr<std::vector<std::string>> CheckDatabase(const std::string& path) {
  return Guarded(path, [&]() -> StatusOr<std::vector<std::string>> {
    const auto database = OpenReadOnly(path);
    const SQLite::Transaction snapshot(*database);
    Findings findings;
    AddDamage(*database, findings);
    AddReferences(*database, findings);
    for (const Rule& rule : Rules()) {
      if (rule.table != nullptr && !database->tableExists(rule.table)) continue;
      SQLite::Statement query(*database, rule.query);
      while (query.executeStep() && !findings.full()) {
        findings.Add(fmt::format("{}: {}", rule.broken, query.getColumn(0).getString()));
      }
    }
    return findings.Take();
  });
}

}  // namespace lorikeet::report
