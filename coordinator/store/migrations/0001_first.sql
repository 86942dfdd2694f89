-- The first schema. Times are UTC, ISO 8601. ROUGE is 0 to 1 in tables, percent in views.
-- docs/schema.md explains every column; a released migration is never edited.

CREATE TABLE sweeps (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  fingerprint   TEXT NOT NULL,
  text          TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('running', 'paused', 'finished', 'cancelled')),
  baseline      TEXT NOT NULL,
  max_attempts  INTEGER NOT NULL CHECK (max_attempts >= 1),
  backoff_ms    INTEGER NOT NULL CHECK (backoff_ms >= 0),
  trials        INTEGER NOT NULL,
  seeds         TEXT NOT NULL,              -- JSON list
  notes         TEXT NOT NULL,              -- JSON list of sentences
  build         TEXT NOT NULL,              -- of the coordinator that took it
  submitted_at  TEXT NOT NULL,
  finished_at   TEXT
);

CREATE TABLE configurations (
  id        INTEGER PRIMARY KEY,
  sweep_id  TEXT NOT NULL REFERENCES sweeps (id),
  position  INTEGER NOT NULL,
  name      TEXT NOT NULL,
  arm       TEXT NOT NULL,
  axes      TEXT NOT NULL,                  -- JSON object: axis -> value as written
  settings  TEXT NOT NULL,                  -- JSON object
  baseline  INTEGER NOT NULL CHECK (baseline IN (0, 1)),
  planned   INTEGER NOT NULL,
  UNIQUE (sweep_id, name)
);

CREATE TABLE trials (
  id                TEXT PRIMARY KEY,
  sweep_id          TEXT NOT NULL REFERENCES sweeps (id),
  configuration_id  INTEGER NOT NULL REFERENCES configurations (id),
  position          INTEGER NOT NULL,
  name              TEXT NOT NULL,
  seed              INTEGER NOT NULL,
  state             TEXT NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  token             INTEGER NOT NULL DEFAULT 0,
  failures          INTEGER NOT NULL DEFAULT 0,
  slots             INTEGER NOT NULL DEFAULT 1,
  needs_gpu         INTEGER NOT NULL DEFAULT 0,
  not_before        TEXT,
  last_worker_id    TEXT,
  failure_kind      TEXT,
  failure_message   TEXT,
  settings          TEXT NOT NULL,          -- the trial file, JSON
  UNIQUE (sweep_id, name)
);
CREATE INDEX trials_by_configuration ON trials (configuration_id, state);

CREATE TABLE workers (
  id             TEXT PRIMARY KEY,
  hostname       TEXT NOT NULL,
  build          TEXT NOT NULL,
  session        INTEGER NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('connected', 'draining', 'disconnected')),
  slots          TEXT NOT NULL,             -- JSON list of objects
  first_seen_at  TEXT NOT NULL,
  last_seen_at   TEXT NOT NULL
);

CREATE TABLE attempts (
  id                TEXT PRIMARY KEY,
  trial_id          TEXT NOT NULL REFERENCES trials (id),
  number            INTEGER NOT NULL,
  token             INTEGER NOT NULL,
  worker_id         TEXT NOT NULL REFERENCES workers (id),
  state             TEXT NOT NULL CHECK (state IN ('granted', 'running', 'lost', 'succeeded', 'failed', 'returned',
                                                   'superseded', 'cancelled')),
  sequence          INTEGER NOT NULL DEFAULT 0,
  granted_at        TEXT NOT NULL,
  started_at        TEXT,
  ended_at          TEXT,
  device            TEXT,
  device_model      TEXT,
  threads           INTEGER,
  micro_batch_size  INTEGER,
  build             TEXT,
  failure_kind      TEXT,
  failure_message   TEXT,
  UNIQUE (trial_id, number),
  UNIQUE (trial_id, token)
);
CREATE INDEX attempts_alive ON attempts (state) WHERE state IN ('granted', 'running', 'lost');

CREATE TABLE events (
  id          INTEGER PRIMARY KEY,
  time        TEXT NOT NULL,
  sweep_id    TEXT,
  trial_id    TEXT,
  attempt_id  TEXT,
  worker_id   TEXT,
  kind        TEXT NOT NULL,
  message     TEXT NOT NULL
);
CREATE INDEX events_by_sweep ON events (sweep_id, id);
CREATE INDEX events_by_trial ON events (trial_id, id);

CREATE TABLE metrics (
  attempt_id  TEXT NOT NULL REFERENCES attempts (id),
  step        INTEGER NOT NULL,
  name        TEXT NOT NULL,
  value       REAL,                         -- NULL for not-a-number
  PRIMARY KEY (attempt_id, name, step)
) WITHOUT ROWID;

CREATE TABLE results (
  trial_id                     TEXT PRIMARY KEY REFERENCES trials (id),
  attempt_id                   TEXT NOT NULL REFERENCES attempts (id),
  sweep                        TEXT NOT NULL,
  arm                          TEXT NOT NULL,
  configuration                TEXT NOT NULL,
  seed                         INTEGER NOT NULL,
  test_rouge1                  REAL NOT NULL,
  test_rouge2                  REAL NOT NULL,
  test_rougeL                  REAL NOT NULL,
  test_rougeLsum               REAL NOT NULL,
  validation_rouge1            REAL NOT NULL,
  validation_rouge2            REAL NOT NULL,
  validation_rougeL            REAL NOT NULL,
  validation_rougeLsum         REAL NOT NULL,
  test_loss                    REAL,
  validation_loss              REAL,
  test_documents               INTEGER NOT NULL,
  validation_documents         INTEGER NOT NULL,
  train_documents              INTEGER NOT NULL,
  empty_documents              INTEGER NOT NULL,
  kept_step                    INTEGER NOT NULL,
  last_step                    INTEGER NOT NULL,
  test_sources_cut             REAL NOT NULL,
  test_targets_cut             REAL NOT NULL,
  test_outputs_cut             REAL NOT NULL,
  validation_sources_cut       REAL NOT NULL,
  validation_targets_cut       REAL NOT NULL,
  validation_outputs_cut       REAL NOT NULL,
  trainable_parameters         INTEGER NOT NULL,
  trainable_share              REAL NOT NULL,
  device                       TEXT NOT NULL,
  device_model                 TEXT NOT NULL,
  threads                      INTEGER NOT NULL,
  micro_batch_size             INTEGER NOT NULL,
  precision                    TEXT NOT NULL,
  -- Costs are NULL where they do not apply: zero_shot and lead train nothing, lead generates nothing.
  train_seconds                REAL,
  tokens_per_second            REAL,
  peak_memory_bytes            INTEGER NOT NULL,
  latency_p50_seconds          REAL,
  latency_p95_seconds          REAL,
  generated_tokens_per_second  REAL,
  adapter_bytes                INTEGER NOT NULL,
  data_fingerprint             TEXT NOT NULL,
  model_fingerprint            TEXT NOT NULL,
  build                        TEXT NOT NULL,
  finished_at                  TEXT NOT NULL
);

CREATE TABLE documents (
  sweep_id   TEXT NOT NULL REFERENCES sweeps (id),
  split      TEXT NOT NULL CHECK (split IN ('validation', 'test')),
  id         TEXT NOT NULL,
  position   INTEGER NOT NULL,
  article    TEXT NOT NULL,
  reference  TEXT NOT NULL,
  PRIMARY KEY (sweep_id, split, id)
) WITHOUT ROWID;

CREATE TABLE predictions (
  trial_id     TEXT NOT NULL REFERENCES results (trial_id),
  split        TEXT NOT NULL CHECK (split IN ('validation', 'test')),
  document_id  TEXT NOT NULL,
  position     INTEGER NOT NULL,
  summary      TEXT NOT NULL,
  tokens       INTEGER NOT NULL,
  rouge1       REAL NOT NULL,
  rouge2       REAL NOT NULL,
  rougeL       REAL NOT NULL,
  rougeLsum    REAL NOT NULL,
  PRIMARY KEY (trial_id, split, document_id)
) WITHOUT ROWID;

-- What an attempt has reported before its result is in; moved to predictions by the result's own transaction.
CREATE TABLE staged_predictions (
  attempt_id   TEXT NOT NULL REFERENCES attempts (id),
  split        TEXT NOT NULL,
  document_id  TEXT NOT NULL,
  position     INTEGER NOT NULL,
  summary      TEXT NOT NULL,
  tokens       INTEGER NOT NULL,
  rouge1       REAL NOT NULL,
  rouge2       REAL NOT NULL,
  rougeL       REAL NOT NULL,
  rougeLsum    REAL NOT NULL,
  PRIMARY KEY (attempt_id, split, document_id)
) WITHOUT ROWID;

CREATE TABLE comparisons (
  sweep_id           TEXT NOT NULL REFERENCES sweeps (id),
  configuration_id   INTEGER NOT NULL REFERENCES configurations (id),
  baseline_id        INTEGER NOT NULL REFERENCES configurations (id),
  metric             TEXT NOT NULL CHECK (metric IN ('rouge1', 'rouge2', 'rougeL', 'rougeLsum')),
  difference         REAL NOT NULL,         -- in ROUGE points (percent): configuration minus baseline
  low                REAL,                  -- 95 % interval
  high               REAL,
  p_value            REAL,
  p_corrected        REAL,
  verdict            TEXT,
  PRIMARY KEY (configuration_id, baseline_id, metric)
);
