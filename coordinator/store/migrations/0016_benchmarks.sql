-- What summarizing costs, measured apart from training, by adapter after adapter on a host with nothing else to do. A
-- sweep's rows were all measured alike.
CREATE TABLE benchmarks (
  sweep_id             TEXT NOT NULL REFERENCES sweeps (id),
  configuration        TEXT NOT NULL,          -- a name; empty: the base model without an adapter
  variant              TEXT NOT NULL CHECK (variant IN ('base', 'unmerged', 'merged')),
  trial_id             TEXT REFERENCES trials (id),   -- whose adapter
  hostname             TEXT NOT NULL,
  device               TEXT NOT NULL,
  device_model         TEXT NOT NULL,
  threads              INTEGER NOT NULL,
  precision            TEXT NOT NULL,
  beams                INTEGER NOT NULL,
  documents            INTEGER NOT NULL,
  build                TEXT NOT NULL,          -- the trainer's
  latency_p50_seconds  REAL NOT NULL,          -- of one document
  latency_p95_seconds  REAL NOT NULL,
  batch                INTEGER NOT NULL,       -- documents at a time, for the next
  tokens_per_second    REAL NOT NULL,
  tokens_per_summary   REAL NOT NULL,          -- mean
  extra_tokens         INTEGER NOT NULL,       -- rows that a prompt puts before every source
  measured_at          TEXT NOT NULL,
  CHECK ((configuration = '') = (variant = 'base')),
  CHECK ((trial_id IS NULL) = (variant = 'base')),
  PRIMARY KEY (sweep_id, configuration, variant)
) WITHOUT ROWID;

-- The base model first, then configurations in the table's order.
CREATE VIEW benchmark_table AS
SELECT w.name AS sweep, k.arm AS arm,
       CASE WHEN b.variant = 'base' THEN 'base model' ELSE b.configuration END AS configuration,
       b.variant AS variant, t.name AS trial,
       b.latency_p50_seconds AS latency_p50_seconds, b.latency_p95_seconds AS latency_p95_seconds,
       b.tokens_per_second AS tokens_per_second, b.batch AS batch, b.tokens_per_summary AS tokens_per_summary,
       b.extra_tokens AS extra_tokens, b.hostname AS hostname, b.device AS device, b.device_model AS device_model,
       b.threads AS threads, b.precision AS precision, b.beams AS beams, b.documents AS documents, b.build AS build,
       b.measured_at AS measured_at
FROM benchmarks AS b
JOIN sweeps AS w ON w.id = b.sweep_id
LEFT JOIN configurations AS k ON k.sweep_id = b.sweep_id AND k.name = b.configuration
LEFT JOIN trials AS t ON t.id = b.trial_id
ORDER BY w.submitted_at, w.rowid, b.variant <> 'base', k.position, k.id, b.variant = 'merged';
