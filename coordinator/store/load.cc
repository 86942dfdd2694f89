#include "coordinator/store/load.h"

#include "coordinator/store/comparisons.h"
#include "coordinator/store/rows.h"

namespace lorikeet::store {
namespace {

StatusOr<std::vector<core::Sweep>> LoadSweeps(Connection& connection) {
  std::vector<core::Sweep> sweeps;
  Rows rows(connection.Prepare(
      "SELECT id, name, fingerprint, text, state, baseline, max_attempts, backoff_ms, trials, seeds, notes, "
      "submitted_at, finished_at, retry_kinds, max_interruptions, "
      "priority, max_running, labels, keep, primary_metric, margin, family, tune FROM sweeps ORDER BY "
      "submitted_at, rowid"));
  while (rows.Next()) {
    core::Sweep sweep;
    sweep.id = rows.Text(0);
    sweep.name = rows.Text(1);
    sweep.fingerprint = rows.Text(2);
    sweep.text = rows.Text(3);
    ASSIGN_OR_RETURN(sweep.state, core::ParseSweepState(rows.Text(4)));
    sweep.baseline = rows.Text(5);
    sweep.retry.attempts = rows.Int(6);
    sweep.retry.backoff = std::chrono::milliseconds(rows.Int(7));
    sweep.trials = rows.Int(8);
    ASSIGN_OR_RETURN(sweep.seeds, ListFromJson<std::int64_t>(rows.Text(9)));
    ASSIGN_OR_RETURN(sweep.notes, ListFromJson<std::string>(rows.Text(10)));
    ASSIGN_OR_RETURN(sweep.submitted_at, ParseTime(rows.Text(11)));
    ASSIGN_OR_RETURN(sweep.finished_at, ParseOptionalTime(rows.Text(12)));
    ASSIGN_OR_RETURN(sweep.retry.kinds, RetryKindsFromJson(rows.Text(13)));
    sweep.retry.interruptions = rows.Int(14);
    sweep.priority = rows.Int(15);
    if (!rows.Null(16)) sweep.max_running = rows.Int(16);
    ASSIGN_OR_RETURN(sweep.labels, LabelsFromJson(rows.Text(17)));
    ASSIGN_OR_RETURN(sweep.keep, KeepFromJson(rows.Text(18)));
    sweep.verdict = {.primary = rows.Text(19), .margin = rows[20].getDouble()};
    sweep.family = rows.Int(21);
    ASSIGN_OR_RETURN(sweep.tune, TuneFromJson(rows.Text(22)));
    sweeps.push_back(std::move(sweep));
  }
  return sweeps;
}

StatusOr<std::vector<core::Configuration>> LoadConfigurations(Connection& connection) {
  std::vector<core::Configuration> configurations;
  Rows rows(connection.Prepare(
      "SELECT id, sweep_id, position, name, arm, axes, settings, baseline, planned, tries, candidate_of, "
      "chosen_id, edge FROM configurations "
      "ORDER BY sweep_id, position, id"));
  while (rows.Next()) {
    core::Configuration configuration;
    configuration.id = rows.Int(0);
    configuration.sweep_id = rows.Text(1);
    configuration.position = rows.Int(2);
    configuration.name = rows.Text(3);
    configuration.arm = rows.Text(4);
    ASSIGN_OR_RETURN(configuration.axes, PairsFromJson(rows.Text(5)));
    ASSIGN_OR_RETURN(configuration.settings, PairsFromJson(rows.Text(6)));
    configuration.baseline = rows.Int(7) != 0;
    configuration.planned = rows.Int(8);
    configuration.tries = rows.Int(9);
    if (!rows.Null(10)) configuration.candidate_of = rows.Int(10);
    if (!rows.Null(11)) configuration.chosen_id = rows.Int(11);
    configuration.edge = rows.Text(12);
    configurations.push_back(std::move(configuration));
  }
  return configurations;
}

StatusOr<std::vector<core::Trial>> LoadTrials(Connection& connection) {
  std::vector<core::Trial> trials;
  Rows rows(connection.Prepare(
      "SELECT id, sweep_id, configuration_id, position, name, seed, state, token, "
      "failures, slots, needs_gpu, "
      "not_before, last_worker_id, failure_kind, failure_message, interruptions FROM trials ORDER BY "
      "sweep_id, position, rowid"));
  while (rows.Next()) {
    core::Trial trial;
    trial.id = rows.Text(0);
    trial.sweep_id = rows.Text(1);
    trial.configuration_id = rows.Int(2);
    trial.position = rows.Int(3);
    trial.name = rows.Text(4);
    trial.seed = rows.Int(5);
    ASSIGN_OR_RETURN(trial.state, core::ParseTrialState(rows.Text(6)));
    trial.token = rows.Int(7);
    trial.failures = rows.Int(8);
    trial.slots = rows.Int(9);
    trial.needs_gpu = rows.Int(10) != 0;
    ASSIGN_OR_RETURN(trial.not_before, ParseOptionalTime(rows.Text(11)));
    trial.last_worker_id = rows.Text(12);
    trial.failure_kind = rows.Text(13);
    trial.failure_message = rows.Text(14);
    trial.interruptions = rows.Int(15);
    trials.push_back(std::move(trial));
  }
  return trials;
}

#define LORIKEET_ATTEMPT_COLUMNS                                                                        \
  "id, trial_id, number, token, worker_id, state, sequence, granted_at, started_at, ended_at, device, " \
  "device_model, threads, micro_batch_size, build, failure_kind, failure_message"

StatusOr<std::vector<core::Attempt>> ReadAttempts(SQLite::Statement& statement) {
  std::vector<core::Attempt> attempts;
  Rows rows(statement);
  while (rows.Next()) {
    core::Attempt attempt;
    attempt.id = rows.Text(0);
    attempt.trial_id = rows.Text(1);
    attempt.number = rows.Int(2);
    attempt.token = rows.Int(3);
    attempt.worker_id = rows.Text(4);
    ASSIGN_OR_RETURN(attempt.state, core::ParseAttemptState(rows.Text(5)));
    attempt.sequence = rows.Int(6);
    ASSIGN_OR_RETURN(attempt.granted_at, ParseTime(rows.Text(7)));
    ASSIGN_OR_RETURN(attempt.started_at, ParseOptionalTime(rows.Text(8)));
    ASSIGN_OR_RETURN(attempt.ended_at, ParseOptionalTime(rows.Text(9)));
    attempt.device = rows.Text(10);
    attempt.device_model = rows.Text(11);
    attempt.threads = rows.Int(12);
    attempt.micro_batch_size = rows.Int(13);
    attempt.build = rows.Text(14);
    attempt.failure_kind = rows.Text(15);
    attempt.failure_message = rows.Text(16);
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

StatusOr<std::vector<core::Worker>> LoadWorkers(Connection& connection) {
  std::vector<core::Worker> workers;
  Rows rows(connection.Prepare(
      "SELECT id, hostname, build, session, state, slots, first_seen_at, last_seen_at, drain, "
      "quarantine, failing, labels "
      "FROM workers ORDER BY id"));
  while (rows.Next()) {
    core::Worker worker;
    worker.id = rows.Text(0);
    worker.hostname = rows.Text(1);
    worker.build = rows.Text(2);
    worker.session = rows.Int(3);
    worker.state = rows.Text(4);
    ASSIGN_OR_RETURN(worker.slots, SlotsFromJson(rows.Text(5)));
    ASSIGN_OR_RETURN(worker.first_seen_at, ParseTime(rows.Text(6)));
    ASSIGN_OR_RETURN(worker.last_seen_at, ParseTime(rows.Text(7)));
    worker.drain = rows.Int(8) != 0;
    worker.quarantine = rows.Text(9);
    ASSIGN_OR_RETURN(worker.failing, ListFromJson<std::string>(rows.Text(10)));
    ASSIGN_OR_RETURN(worker.labels, LabelsFromJson(rows.Text(11)));
    workers.push_back(std::move(worker));
  }
  return workers;
}

StatusOr<std::vector<core::SweepFile>> LoadSweepFiles(Connection& connection) {
  std::vector<core::SweepFile> files;
  Rows rows(connection.Prepare(
      "SELECT sweep_id, name, fingerprint, worker_id, fixed_at FROM sweep_files ORDER BY sweep_id, name"));
  while (rows.Next()) {
    core::SweepFile file{rows.Text(0), rows.Text(1), rows.Text(2), rows.Text(3), {}};
    ASSIGN_OR_RETURN(file.fixed_at, ParseTime(rows.Text(4)));
    files.push_back(std::move(file));
  }
  return files;
}

StatusOr<std::vector<core::Bar>> LoadBars(Connection& connection) {
  std::vector<core::Bar> bars;
  Rows rows(
      connection.Prepare("SELECT worker_id, sweep_id, process, reason, barred_at FROM barred_workers "
                         "ORDER BY worker_id, sweep_id"));
  while (rows.Next()) {
    core::Bar bar{rows.Text(0), rows.Text(1), rows.Text(2), rows.Text(3), {}};
    ASSIGN_OR_RETURN(bar.barred_at, ParseTime(rows.Text(4)));
    bars.push_back(std::move(bar));
  }
  return bars;
}

}  // namespace

StatusOr<Snapshot> LoadSnapshot(Connection& connection) {
  Snapshot snapshot;
  ASSIGN_OR_RETURN(snapshot.sweeps, LoadSweeps(connection));
  ASSIGN_OR_RETURN(snapshot.configurations, LoadConfigurations(connection));
  ASSIGN_OR_RETURN(snapshot.trials, LoadTrials(connection));
  ASSIGN_OR_RETURN(
      snapshot.attempts,
      ReadAttempts(connection.Prepare(
          "SELECT " LORIKEET_ATTEMPT_COLUMNS
          " FROM attempts WHERE state IN ('granted', 'running', 'lost') ORDER BY trial_id, number")));
  ASSIGN_OR_RETURN(snapshot.workers, LoadWorkers(connection));
  ASSIGN_OR_RETURN(snapshot.files, LoadSweepFiles(connection));
  ASSIGN_OR_RETURN(snapshot.bars, LoadBars(connection));
  snapshot.compared = LoadCompared(connection);
  return snapshot;
}

StatusOr<std::vector<core::Attempt>> LoadAttempts(Connection& connection, const std::string& trial_id) {
  return ReadAttempts(connection.Prepare(
      "SELECT " LORIKEET_ATTEMPT_COLUMNS " FROM attempts WHERE trial_id = ? ORDER BY number", trial_id));
}

StatusOr<std::vector<Place>> LoadLastPlaces(Connection& connection, const std::string& sweep_id) {
  std::vector<Place> places;
  Rows rows(
      connection.Prepare("SELECT a.trial_id, a.worker_id, a.device FROM trials AS t JOIN attempts AS a "
                         "ON a.trial_id = t.id AND a.number = "
                         "(SELECT max(number) FROM attempts WHERE trial_id = t.id) WHERE t.sweep_id = ?",
                         sweep_id));
  while (rows.Next()) places.push_back({rows.Text(0), rows.Text(1), rows.Text(2)});
  return places;
}

StatusOr<std::vector<core::HistoryEvent>> LoadEvents(Connection& connection, const std::string& sweep_id,
                                                     const std::string& trial_id, std::int64_t after,
                                                     std::int64_t most) {
#define LORIKEET_EVENT_COLUMNS \
  "SELECT id, time, sweep_id, trial_id, attempt_id, worker_id, kind, message FROM events "
  // Each shape its own statement, so that each walks its index.
  SQLite::Statement& statement =
      !trial_id.empty() ? connection.Prepare(LORIKEET_EVENT_COLUMNS
                                             "WHERE trial_id = ? AND (?2 = '' OR sweep_id = ?2) AND id > ? "
                                             "ORDER BY id LIMIT ?",
                                             trial_id, sweep_id, after, most)
      : !sweep_id.empty()
          ? connection.Prepare(LORIKEET_EVENT_COLUMNS "WHERE sweep_id = ? AND id > ? ORDER BY id LIMIT ?",
                               sweep_id, after, most)
          : connection.Prepare(LORIKEET_EVENT_COLUMNS "WHERE id > ? ORDER BY id LIMIT ?", after, most);
  std::vector<core::HistoryEvent> events;
  Rows rows(statement);
  while (rows.Next()) {
    core::HistoryEvent event;
    event.id = rows.Int(0);
    ASSIGN_OR_RETURN(event.time, ParseTime(rows.Text(1)));
    event.sweep_id = rows.Text(2);
    event.trial_id = rows.Text(3);
    event.attempt_id = rows.Text(4);
    event.worker_id = rows.Text(5);
    event.kind = rows.Text(6);
    event.message = rows.Text(7);
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace lorikeet::store
