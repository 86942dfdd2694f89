#include "tests/fleet/ledger.h"

#include <set>

#include "coordinator/core/state_machine.h"
#include "sweeps/report/check.h"
#include "tests/fleet/trainers.h"

namespace lorikeet::fleet {
namespace {

constexpr std::int64_t kAttempts = 3;  // of a sweep, unless its file says otherwise

// Whether arrows lead from one state to the other without passing an end: what came in one batch, a start and
// a result, is one change of the row. `before` is empty for a row that is new.
template <typename State>
Status CheckStep(StatusOr<State> (*parse)(const std::string&), const std::vector<State>& states,
                 const std::string& before, const std::string& after) {
  ASSIGN_OR_RETURN(const State to, parse(after));
  std::set<State> reached;
  if (before.empty()) {
    reached.insert(states.front());
  } else {
    ASSIGN_OR_RETURN(const State from, parse(before));
    for (const State next : states) {
      if (core::CheckTransition(from, next).ok()) reached.insert(next);
    }
  }
  for (std::size_t size = 0; size != reached.size();) {
    size = reached.size();
    for (const State via : std::set<State>(reached)) {
      for (const State next : states) {
        if (!core::IsFinal(via) && core::CheckTransition(via, next).ok()) reached.insert(next);
      }
    }
  }
  if (reached.contains(to)) return absl::OkStatus();
  return Internal("no arrows lead from '{}' to '{}'", before, after);
}

Status CheckStep(const std::string& table, const std::string& before, const std::string& after) {
  using core::AttemptState, core::SweepState, core::TrialState;
  // The first is where a row begins.
  if (table == "sweeps") {
    return CheckStep(
        core::ParseSweepState,
        {SweepState::kRunning, SweepState::kPaused, SweepState::kFinished, SweepState::kCancelled}, before,
        after);
  }
  if (table == "trials") {
    return CheckStep(core::ParseTrialState,
                     {TrialState::kPending, TrialState::kRunning, TrialState::kSucceeded, TrialState::kFailed,
                      TrialState::kCancelled},
                     before, after);
  }
  return CheckStep(
      core::ParseAttemptState,
      {AttemptState::kGranted, AttemptState::kRunning, AttemptState::kLost, AttemptState::kSucceeded,
       AttemptState::kFailed, AttemptState::kReturned, AttemptState::kSuperseded, AttemptState::kCancelled},
      before, after);
}

}  // namespace

void Ledger::LetGo() const {
  statements_.clear();
  reader_.reset();
}

std::vector<std::vector<std::string>> Ledger::Query(const std::string& sql) const {
  if (!reader_) reader_ = coordinator_.OpenDatabase();
  std::unique_ptr<SQLite::Statement>& prepared = statements_[sql];
  if (!prepared) prepared = std::make_unique<SQLite::Statement>(*reader_, sql);
  SQLite::Statement& statement = *prepared;
  std::vector<std::vector<std::string>> rows;
  while (statement.executeStep()) {
    std::vector<std::string>& row = rows.emplace_back();
    for (int i = 0; i < statement.getColumnCount(); ++i) row.push_back(statement.getColumn(i).getString());
  }
  statement.reset();
  return rows;
}

void Ledger::ExpectNone(const std::string& sql, const std::string& what) {
  const std::string count = Query("SELECT count(*) FROM " + sql)[0][0];
  if (count != "0") broken_(what + " (" + count + ")");
}

void Ledger::MayGoOn() {
  std::erase_if(ended_, [](const auto& trial) { return trial.second != "succeeded"; });
}

std::string Ledger::Version() const { return Query("PRAGMA data_version")[0][0]; }

void Ledger::CheckNews() {
  if (!coordinator_.readable() || (reader_ && Version() == seen_)) return;
  seen_ = Version();
  Check();
}

void Ledger::Check() {
  if (!coordinator_.readable()) return;
  for (const report::Rule& rule : report::Rules()) {
    const auto offenders = Query(rule.query);
    if (!offenders.empty()) broken_(std::string(rule.broken) + ": " + offenders[0][0]);
  }
  ExpectNone(
      "trials AS t WHERE (SELECT count(*) FROM attempts AS a WHERE a.trial_id = t.id AND a.state = 'failed') "
      "> " +
          std::to_string(kAttempts) +
          " * (1 + (SELECT count(*) FROM events AS e WHERE e.trial_id = t.id AND e.kind = 'retried'))",
      "a trial failed more often than it may");
  ExpectNone("metrics WHERE value < 0", "a metric of an older token is there");
  CheckStates();
  CheckLimits();
  CheckChoices();
  CheckArtifacts();
  CheckResults();
}

void Ledger::CheckStates() {
  for (const auto& row : Query("SELECT kind, before, after FROM steps_seen")) {
    const Status step = CheckStep(row[0], row[1], row[2]);
    if (!step.ok()) broken_("in " + row[0] + ": " + Message(step));
  }
  for (const auto& row : Query("SELECT id, state FROM trials")) {
    const bool over = row[1] == "succeeded" || row[1] == "failed" || row[1] == "cancelled";
    const auto before = ended_.find(row[0]);
    if (before != ended_.end() && before->second != row[1])
      broken_("trial " + row[0] + " was " + before->second + " and is " + row[1]);
    if (over) ended_[row[0]] = row[1];
  }
}

void Ledger::CheckResults() {
  std::map<std::string, std::string> results;
  for (const auto& row : Query("SELECT trial_id, attempt_id FROM results")) results[row[0]] = row[1];
  for (const auto& [trial, attempt] : results_) {
    const auto now = results.find(trial);
    if (now == results.end() || now->second != attempt) broken_("the result of " + trial + " changed");
  }
  results_ = results;
  for (const std::string& attempt : coordinator_.promised()) {
    bool found = false;
    for (const auto& [trial, of] : results) found = found || of == attempt;
    if (!found) broken_("the result of attempt " + attempt + " was acknowledged, and is gone");
  }
}

// A row is there only when its files are, and says what the trial it is of has come to.
void Ledger::CheckArtifacts() {
  for (const auto& row :
       Query("SELECT a.path, a.kind, a.step, t.state, f.settings FROM artifacts AS a JOIN trials AS t ON "
             "t.id = a.trial_id JOIN trial_files AS f ON f.trial_id = t.id")) {
    const auto file = coordinator_.files().find(row[0]);
    if (file == coordinator_.files().end()) return broken_("a row without its files: " + row[0]);
    if (file->second.substr(file->second.find(' ') + 1) != std::to_string(Hash(row[4])))
      broken_("files of another trial: " + row[0]);
    if (row[1] == "adapter" && row[3] != "succeeded") broken_("an adapter of a trial that is " + row[3]);
    if (row[1] == "checkpoint" && (row[3] == "succeeded" || row[3] == "cancelled"))
      broken_("a checkpoint of a trial that is " + row[3]);
  }
}

void Ledger::CheckLimits() {
  ExpectNone(
      "trials AS t JOIN sweeps AS s ON s.id = t.sweep_id WHERE t.state IN ('pending', 'running') AND "
      "t.failures > 0 AND t.failures >= coalesce(json_extract(s.retry_kinds, '$.' || t.failure_kind || "
      "'.attempts'), s.max_attempts)",
      "a trial is tried again that has failed as often as it may");
  ExpectNone(
      "trials AS t JOIN sweeps AS s ON s.id = t.sweep_id WHERE t.interruptions > s.max_interruptions + "
      "(t.state = 'failed')",
      "a trial was interrupted more often than it may be");
  // One that was lost and found may be one more.
  ExpectNone(
      "sweeps AS s WHERE (SELECT count(*) FROM trials AS t JOIN attempts AS a ON a.trial_id = t.id AND "
      "a.state IN ('granted', 'running') WHERE t.sweep_id = s.id AND t.state = 'running' AND NOT EXISTS "
      "(SELECT 1 FROM events AS e WHERE e.trial_id = t.id AND e.attempt_id = a.id AND e.kind = 'found')) > "
      "s.max_running",
      "more trials of a sweep run than it says");
}

void Ledger::CheckTidy() {
  ExpectNone(
      "events AS g WHERE g.kind = 'granted' AND (SELECT q.kind FROM events AS q WHERE q.worker_id = "
      "g.worker_id AND q.kind IN ('quarantined', 'readmitted') AND q.id < g.id ORDER BY q.id DESC LIMIT 1) = "
      "'quarantined'",
      "a quarantined worker was granted something");
  ExpectNone(
      "events AS g WHERE g.kind = 'granted' AND (SELECT q.kind FROM events AS q WHERE q.worker_id = "
      "g.worker_id AND q.sweep_id = g.sweep_id AND q.kind IN ('barred', 'unbarred') AND q.id < g.id ORDER BY "
      "q.id DESC LIMIT 1) = 'barred'",
      "a worker was granted trials of a sweep that it is barred from");
  const std::string artifacts = Query("SELECT count(*) FROM artifacts")[0][0];
  const std::size_t files = coordinator_.files().size();
  if (artifacts != std::to_string(files))
    broken_(artifacts + " artifacts, and files of " + std::to_string(files));
  // A worker hands back what finds its slots taken.
  ExpectNone("events WHERE message LIKE '%is taken by attempt%'", "more was granted than there are slots");
  ExpectNone("events WHERE message LIKE '%came where event%'", "a worker left out an event");
  ExpectNone("staged_predictions", "predictions are left staged");
  const char* const with_result =
      " AND EXISTS (SELECT 1 FROM trials AS t JOIN results AS r ON r.trial_id = t.id WHERE "
      "t.configuration_id = ";
  ExpectNone(
      std::string("configurations AS c JOIN configurations AS b ON b.sweep_id = c.sweep_id AND b.baseline "
                  "= 1 WHERE c.baseline = 0 AND c.candidate_of IS NULL") +
          with_result + "c.id)" + with_result +
          "b.id) AND 4 <> (SELECT count(*) FROM comparisons AS p WHERE p.configuration_id = c.id)",
      "a configuration was not compared with its baseline");
  ExpectNone(
      "comparisons AS p JOIN sweeps AS s ON s.id = p.sweep_id WHERE p.metric = s.primary_metric AND "
      "p.verdict IS NULL",
      "a configuration has no verdict");
  ExpectNone("attempts WHERE state IN ('granted', 'running', 'lost')", "an attempt is left open");
  ExpectNone(
      "configurations AS c JOIN trials AS t ON t.configuration_id = c.id WHERE c.tries > 1 AND c.chosen_id "
      "IS NULL "
      "AND t.state NOT IN ('failed', 'cancelled')",
      "a row's settings were not chosen");
}

void Ledger::CheckChoices() {
  ExpectNone(
      "configurations AS c JOIN trials AS t ON t.configuration_id = c.id JOIN attempts AS a ON a.trial_id = "
      "t.id "
      "WHERE c.tries > 1 AND c.chosen_id IS NULL",
      "a trial was granted before its settings were chosen");
  ExpectNone(
      "configurations AS c JOIN configurations AS w ON w.id = c.chosen_id WHERE c.settings <> w.settings OR "
      "c.trial "
      "<> json_set(w.trial, '$.configuration', c.name)",
      "a row's settings are not those that were chosen");
  ExpectNone(
      "configurations AS c JOIN configurations AS o ON o.candidate_of = c.id JOIN trials AS t ON "
      "t.configuration_id = "
      "o.id WHERE c.chosen_id IS NOT NULL AND t.state IN ('pending', 'running')",
      "settings were chosen before all were tried");
  ExpectNone(
      "configurations AS c JOIN (SELECT o.id, o.candidate_of, avg(r.validation_rouge1) AS score FROM "
      "configurations "
      "AS o JOIN trials AS t ON t.configuration_id = o.id JOIN results AS r ON r.trial_id = t.id GROUP BY "
      "o.id) AS o "
      "ON o.candidate_of = c.id JOIN (SELECT t.configuration_id, avg(r.validation_rouge1) AS score FROM "
      "trials AS t "
      "JOIN results AS r ON r.trial_id = t.id GROUP BY t.configuration_id) AS w ON w.configuration_id = "
      "c.chosen_id "
      "WHERE o.score > w.score",
      "others would have been the better choice");
  ExpectNone(
      "comparisons AS p JOIN configurations AS c ON c.id IN (p.configuration_id, p.baseline_id) WHERE "
      "c.candidate_of "
      "IS NOT NULL",
      "a comparison is of what was tried");
}

Fairness::Look Ledger::Turns() const {
  const auto rows = Query(
      "SELECT s.priority, (SELECT count(*) FROM trials AS t WHERE t.sweep_id = s.id AND s.state = 'running' "
      "AND t.state = 'pending' AND t.not_before IS NULL), (SELECT count(*) FROM trials AS t JOIN attempts AS "
      "a ON a.trial_id = t.id "
      "WHERE t.sweep_id = s.id), (SELECT count(*) FROM trials AS t WHERE t.sweep_id = s.id AND t.state = "
      "'failed' AND t.failure_kind = 'lost'), (SELECT count(*) FROM barred_workers AS b WHERE b.sweep_id = "
      "s.id) FROM sweeps AS s WHERE s.name IN ('one', 'two') ORDER BY s.name");
  Fairness::Look look;
  if (rows.size() != 2) return look;
  // A worker that may serve one of them alone, does.
  const bool barred = rows[0][4] != "0" || rows[1][4] != "0";
  look.both_wait = rows[0][0] == rows[1][0] && rows[0][1] != "0" && rows[1][1] != "0" && !barred;
  look.difference = std::stoll(rows[0][2]) - std::stoll(rows[1][2]);
  look.given_up = std::stoll(rows[0][3]) + std::stoll(rows[1][3]);
  return look;
}

std::int64_t Ledger::Count(const std::string& kind) const {
  return std::stoll(Query("SELECT count(*) FROM events WHERE kind = '" + kind + "'")[0][0]);
}

bool Ledger::FilesAreFixed(std::int64_t sweeps) const {
  if (!coordinator_.readable()) return false;
  return Query("SELECT count(*) FROM sweep_files WHERE name = 'model'")[0][0] == std::to_string(sweeps);
}

std::map<std::string, double> Ledger::Scores() const {
  std::map<std::string, double> scores;
  for (const auto& row :
       Query("SELECT s.name || ' ' || t.name, r.test_rouge1 FROM results AS r JOIN trials AS t ON t.id = "
             "r.trial_id JOIN sweeps AS s ON s.id = t.sweep_id"))
    scores[row[0]] = std::stod(row[1]);
  return scores;
}

std::map<std::string, double> Ledger::TrueScores() const {
  std::map<std::string, double> scores;
  for (const auto& row : Query(
           "SELECT s.name || ' ' || t.name, t.settings, coalesce((SELECT substr(fingerprint, 1, 5) FROM "
           "sweep_files AS f WHERE f.sweep_id = s.id AND f.name = 'model'), 'right') FROM results AS r JOIN "
           "trial_files AS t ON t.trial_id = r.trial_id JOIN sweeps AS s ON s.id = t.sweep_id"))
    scores[row[0]] = ScoreOf(row[1], row[2]);
  return scores;
}

}  // namespace lorikeet::fleet
