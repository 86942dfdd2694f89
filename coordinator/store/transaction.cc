#include "coordinator/store/transaction.h"

#include "coordinator/store/rows.h"

namespace lorikeet::store {

Status SqliteTransaction::InsertSweep(const core::Sweep& sweep) {
  return Run(
      [&] { return fmt::format("sweep {}", sweep.id); },
      [&]() -> Status {
        connection_.Run(
            "INSERT INTO sweeps (id, name, fingerprint, text, state, baseline, max_attempts, backoff_ms, "
            "retry_kinds, max_interruptions, priority, max_running, labels, trials, seeds, notes, build, "
            "submitted_at, finished_at, keep, primary_metric, margin, family, tune) VALUES (?, ?, ?, ?, ?, "
            "?, ?, "
            "?, ?, "
            "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            sweep.id, sweep.name, sweep.fingerprint, sweep.text, core::Name(sweep.state), sweep.baseline,
            sweep.retry.attempts, std::int64_t{sweep.retry.backoff.count()},
            RetryKindsToJson(sweep.retry.kinds), sweep.retry.interruptions, sweep.priority, sweep.max_running,
            LabelsToJson(sweep.labels), sweep.trials, ListToJson(sweep.seeds), ListToJson(sweep.notes),
            build_, sweep.submitted_at, sweep.finished_at, KeepToJson(sweep.keep), sweep.verdict.primary,
            sweep.verdict.margin, sweep.family, NullIfEmpty{TuneToJson(sweep.tune)});
        return absl::OkStatus();
      });
}

StatusOr<std::int64_t> SqliteTransaction::InsertConfiguration(const core::Configuration& configuration) {
  return Run(
      [&] {
        return fmt::format("configuration '{}' of sweep {}", configuration.name, configuration.sweep_id);
      },
      [&]() -> StatusOr<std::int64_t> {
        connection_.Run(
            "INSERT INTO configurations (sweep_id, position, name, arm, axes, settings, baseline, planned, "
            "trial, tries, candidate_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))",
            configuration.sweep_id, configuration.position, configuration.name, configuration.arm,
            PairsToJson(configuration.axes), PairsToJson(configuration.settings), configuration.baseline,
            configuration.planned, configuration.trial, configuration.tries, configuration.candidate_of);
        return std::int64_t{connection_.database().getLastInsertRowid()};
      });
}

Status SqliteTransaction::InsertTrial(const core::Trial& trial) {
  return Run([&] { return fmt::format("trial {}", trial.id); },
             [&]() -> Status {
               connection_.Run(
                   "INSERT INTO trials (id, sweep_id, configuration_id, position, name, seed, state, token, "
                   "failures, "
                   "interruptions, slots, "
                   "needs_gpu, not_before, last_worker_id, failure_kind, failure_message) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   trial.id, trial.sweep_id, trial.configuration_id, trial.position, trial.name, trial.seed,
                   core::Name(trial.state), trial.token, trial.failures, trial.interruptions, trial.slots,
                   trial.needs_gpu, trial.not_before, NullIfEmpty{trial.last_worker_id},
                   NullIfEmpty{trial.failure_kind}, NullIfEmpty{trial.failure_message});
               return absl::OkStatus();
             });
}

Status SqliteTransaction::InsertAttempt(const core::Attempt& attempt) {
  return Run(
      [&] { return fmt::format("attempt {} of trial {}", attempt.id, attempt.trial_id); },
      [&]() -> Status {
        connection_.Run(
            "INSERT INTO attempts (id, trial_id, number, token, worker_id, state, sequence, granted_at, "
            "started_at, "
            "ended_at, device, device_model, threads, micro_batch_size, build, failure_kind, "
            "failure_message) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            attempt.id, attempt.trial_id, attempt.number, attempt.token, attempt.worker_id,
            core::Name(attempt.state), attempt.sequence, attempt.granted_at, attempt.started_at,
            attempt.ended_at, NullIfEmpty{attempt.device}, NullIfEmpty{attempt.device_model}, attempt.threads,
            attempt.micro_batch_size, NullIfEmpty{attempt.build}, NullIfEmpty{attempt.failure_kind},
            NullIfEmpty{attempt.failure_message});
        return absl::OkStatus();
      });
}

Status SqliteTransaction::UpdateSweep(const core::Sweep& sweep) {
  return Run([&] { return fmt::format("sweep {}", sweep.id); },
             [&]() -> Status {
               return Changed(
                   connection_.Run("UPDATE sweeps SET state = ?, finished_at = ?, priority = ? WHERE id = ?",
                                   core::Name(sweep.state), sweep.finished_at, sweep.priority, sweep.id));
             });
}

Status SqliteTransaction::UpdateTrial(const core::Trial& trial) {
  return Run([&] { return fmt::format("trial {}", trial.id); },
             [&]() -> Status {
               return Changed(connection_.Run(
                   "UPDATE trials SET state = ?, token = ?, failures = ?, interruptions = ?, not_before = ?, "
                   "last_worker_id = ?, failure_kind = ?, "
                   "failure_message = ? WHERE id = ?",
                   core::Name(trial.state), trial.token, trial.failures, trial.interruptions,
                   trial.not_before, NullIfEmpty{trial.last_worker_id}, NullIfEmpty{trial.failure_kind},
                   NullIfEmpty{trial.failure_message}, trial.id));
             });
}

Status SqliteTransaction::UpdateAttempt(const core::Attempt& attempt) {
  return Run([&] { return fmt::format("attempt {}", attempt.id); },
             [&]() -> Status {
               // A stale copy must not lower the sequence.
               return Changed(connection_.Run(
                   "UPDATE attempts SET state = ?, sequence = max(sequence, ?), started_at = ?, "
                   "ended_at = ?, device = ?, device_model = ?, threads = ?, "
                   "micro_batch_size = ?, build = ?, failure_kind = ?, failure_message = ? WHERE id = ?",
                   core::Name(attempt.state), attempt.sequence, attempt.started_at, attempt.ended_at,
                   NullIfEmpty{attempt.device}, NullIfEmpty{attempt.device_model}, attempt.threads,
                   attempt.micro_batch_size, NullIfEmpty{attempt.build}, NullIfEmpty{attempt.failure_kind},
                   NullIfEmpty{attempt.failure_message}, attempt.id));
             });
}

Status SqliteTransaction::UpsertWorker(const core::Worker& worker) {
  return Run(
      [&] { return fmt::format("worker {}", worker.id); },
      [&]() -> Status {
        connection_.Run(
            "INSERT INTO workers (id, hostname, build, session, state, drain, quarantine, failing, labels, "
            "slots, "
            "first_seen_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO "
            "UPDATE "
            "SET "
            "hostname = excluded.hostname, build = excluded.build, session = excluded.session, "
            "state = excluded.state, drain = excluded.drain, quarantine = excluded.quarantine, "
            "failing = excluded.failing, labels = excluded.labels, slots = excluded.slots, last_seen_at = "
            "excluded.last_seen_at",
            worker.id, worker.hostname, worker.build, worker.session, worker.state, worker.drain,
            NullIfEmpty{worker.quarantine}, ListToJson(worker.failing), LabelsToJson(worker.labels),
            SlotsToJson(worker.slots), worker.first_seen_at, worker.last_seen_at);
        return absl::OkStatus();
      });
}

Status SqliteTransaction::InsertEvent(const core::HistoryEvent& event) {
  return Run("an event", [&]() -> Status {
    connection_.Run(
        "INSERT INTO events (time, sweep_id, trial_id, attempt_id, worker_id, kind, message) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        event.time, NullIfEmpty{event.sweep_id}, NullIfEmpty{event.trial_id}, NullIfEmpty{event.attempt_id},
        NullIfEmpty{event.worker_id}, event.kind, event.message);
    return absl::OkStatus();
  });
}

StatusOr<core::Token> SqliteTransaction::NewestToken(const std::string& trial_id) {
  return Run([&] { return fmt::format("trial {}", trial_id); },
             [&]() -> StatusOr<core::Token> {
               Rows rows(connection_.Prepare("SELECT token FROM trials WHERE id = ?", trial_id));
               if (!rows.Next()) return NotFound("is not in the database");
               return rows.Int(0);
             });
}

StatusOr<std::int64_t> SqliteTransaction::CommittedSequence(const std::string& attempt_id) {
  return Run([&] { return fmt::format("attempt {}", attempt_id); },
             [&]() -> StatusOr<std::int64_t> {
               Rows rows(connection_.Prepare("SELECT sequence FROM attempts WHERE id = ?", attempt_id));
               if (!rows.Next()) return NotFound("is not in the database");
               return rows.Int(0);
             });
}

Status SqliteTransaction::AdvanceSequence(const std::string& attempt_id, std::int64_t sequence) {
  return Run([&] { return fmt::format("attempt {}", attempt_id); },
             [&]() -> Status {
               if (connection_.Run("UPDATE attempts SET sequence = ?1 WHERE id = ?2 AND sequence <= ?1",
                                   sequence, attempt_id) > 0)
                 return absl::OkStatus();
               ASSIGN_OR_RETURN(const std::int64_t committed, CommittedSequence(attempt_id));
               return FailedPrecondition("event {} is older than event {}, which is committed", sequence,
                                         committed);
             });
}

Status SqliteTransaction::InsertMetric(const std::string& attempt_id, const core::Metric& metric) {
  return Run(
      [&] { return fmt::format("metric {} at step {} of attempt {}", metric.name, metric.step, attempt_id); },
      [&]() -> Status {
        connection_.Run(
            "INSERT INTO metrics (attempt_id, step, name, value) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (attempt_id, name, step) DO UPDATE SET value = excluded.value",
            attempt_id, metric.step, metric.name, metric.value);
        return absl::OkStatus();
      });
}

Status SqliteTransaction::InsertDocument(const std::string& sweep_id, const core::Document& document) {
  return Run(
      [&] { return fmt::format("{} document '{}' of sweep {}", document.split, document.id, sweep_id); },
      [&]() -> Status {
        connection_.Run(
            "INSERT INTO documents (sweep_id, split, id, position, article, reference) VALUES (?, ?, ?, ?, "
            "?, ?) "
            "ON CONFLICT DO NOTHING",
            sweep_id, document.split, document.id, document.position, document.article, document.reference);
        return absl::OkStatus();
      });
}

Status SqliteTransaction::MarkRetried(const std::string& trial_id) {
  return Run(
      [&] { return fmt::format("trial {}", trial_id); },
      [&]() -> Status {
        return Changed(connection_.Run("UPDATE trials SET retried_token = token WHERE id = ?", trial_id));
      });
}

StatusOr<std::vector<std::string>> SqliteTransaction::WorkersTakenDown(const std::string& trial_id) {
  return Run(
      [&] { return fmt::format("trial {}", trial_id); },
      [&]() -> StatusOr<std::vector<std::string>> {
        Rows rows(connection_.Prepare(
            "SELECT a.worker_id FROM trials AS t JOIN attempts AS a ON a.trial_id = t.id AND a.token > "
            "t.retried_token WHERE t.id = ? AND ((a.state = 'failed' AND a.failure_kind = 'crashed') OR "
            "(a.state IN ('lost', 'superseded') AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.trial_id = "
            "t.id "
            "AND e.attempt_id = a.id AND e.kind = 'checkpoint'))) GROUP BY a.worker_id ORDER BY "
            "min(a.number)",
            trial_id));
        std::vector<std::string> workers;
        while (rows.Next()) workers.push_back(rows.Text(0));
        return workers;
      });
}

StatusOr<std::optional<AnsweredRequest>> SqliteTransaction::FindRequest(const std::string& id) {
  return Run([&] { return fmt::format("request {}", id); },
             [&]() -> StatusOr<std::optional<AnsweredRequest>> {
               Rows rows(connection_.Prepare("SELECT fingerprint, answer FROM requests WHERE id = ?", id));
               if (!rows.Next()) return std::optional<AnsweredRequest>();
               AnsweredRequest found{.id = id, .fingerprint = rows.Text(0), .answer = rows.Text(1)};
               return std::optional(std::move(found));
             });
}

Status SqliteTransaction::InsertRequest(const AnsweredRequest& request, WallTime at, WallTime keep_since) {
  return Run([&] { return fmt::format("request {}", request.id); },
             [&]() -> Status {
               connection_.Run("DELETE FROM requests WHERE at < ?", keep_since);
               connection_.Run("INSERT INTO requests (id, fingerprint, answer, at) VALUES (?, ?, ?, ?)",
                               request.id, request.fingerprint, Bytes{request.answer}, at);
               return absl::OkStatus();
             });
}

Status SqliteTransaction::Part(const std::function<Status()>& body) {
  const auto run = [&](const char* sql) {
    return Run(sql, [&]() -> Status {
      connection_.Run(sql);
      return absl::OkStatus();
    });
  };
  RETURN_IF_ERROR(run("SAVEPOINT part"));
  Status outcome = body();
  if (!failure_.ok()) return failure_;
  if (!outcome.ok()) RETURN_IF_ERROR(run("ROLLBACK TO part"));
  RETURN_IF_ERROR(run("RELEASE part"));
  return outcome;
}

}  // namespace lorikeet::store
