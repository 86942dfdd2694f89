-- Scores of others' making: summaries of runs that were made elsewhere, and metrics beside the trainer's ROUGE.

-- A row whose summaries are here is tested against the baseline as the sweep's own rows are.
ALTER TABLE foreign_rows ADD COLUMN tested INTEGER NOT NULL DEFAULT 0 CHECK (tested IN (0, 1));

-- Of the test split's documents, each once a seed.
CREATE TABLE foreign_summaries (
  sweep_id     TEXT NOT NULL,
  name         TEXT NOT NULL,
  seed         INTEGER NOT NULL,
  document_id  TEXT NOT NULL,
  summary      TEXT NOT NULL,
  rouge1       REAL NOT NULL,
  rouge2       REAL NOT NULL,
  rougeL       REAL NOT NULL,
  rougeLsum    REAL NOT NULL,
  PRIMARY KEY (sweep_id, name, seed, document_id),
  FOREIGN KEY (sweep_id, name) REFERENCES foreign_rows (sweep_id, name)
) WITHOUT ROWID;

-- As `comparisons`, of a row of somebody else's.
CREATE TABLE foreign_comparisons (
  sweep_id               TEXT NOT NULL,
  name                   TEXT NOT NULL,
  baseline_id            INTEGER NOT NULL REFERENCES configurations (id),
  metric                 TEXT NOT NULL CHECK (metric <> ''),
  difference             REAL NOT NULL,
  standard_error         REAL,
  degrees                REAL,
  low                    REAL,
  high                   REAL,
  p_value                REAL,
  p_corrected            REAL,          -- over sweeps.family and the rows with summaries together
  p_not_worse            REAL,
  p_not_worse_corrected  REAL,
  p_equivalent           REAL,
  p_equivalent_corrected REAL,
  detectable             REAL,
  documents              INTEGER NOT NULL DEFAULT 0,
  seeds                  INTEGER NOT NULL DEFAULT 0,
  baseline_seeds         INTEGER NOT NULL DEFAULT 0,
  verdict                TEXT,
  reason                 TEXT,
  PRIMARY KEY (sweep_id, name, metric),
  FOREIGN KEY (sweep_id, name) REFERENCES foreign_rows (sweep_id, name)
) WITHOUT ROWID;

-- A run (a configuration of the sweep or a row of somebody else's, with a seed) scored by a metric that is not
-- one of the trainer's; always all of the test split's documents.
CREATE TABLE score_runs (
  id             INTEGER PRIMARY KEY,
  sweep_id       TEXT NOT NULL REFERENCES sweeps (id),
  metric         TEXT NOT NULL CHECK (metric NOT IN ('', 'rouge1', 'rouge2', 'rougeL', 'rougeLsum')),
  configuration  TEXT NOT NULL,           -- a name
  seed           INTEGER NOT NULL,
  mean           REAL NOT NULL,           -- over the documents
  documents      INTEGER NOT NULL,
  scored_at      TEXT NOT NULL,
  UNIQUE (sweep_id, metric, configuration, seed)
);
CREATE TABLE scores (
  run_id         INTEGER NOT NULL REFERENCES score_runs (id),
  document_id    TEXT NOT NULL,
  score          REAL NOT NULL,           -- as it was given
  PRIMARY KEY (run_id, document_id)
) WITHOUT ROWID;

-- The same with any metric. Made anew under its own name: the views that read it stay as they are.
CREATE TABLE comparisons_before AS SELECT * FROM comparisons;
DROP TABLE comparisons;
CREATE TABLE comparisons (
  sweep_id               TEXT NOT NULL REFERENCES sweeps (id),
  configuration_id       INTEGER NOT NULL REFERENCES configurations (id),
  baseline_id            INTEGER NOT NULL REFERENCES configurations (id),
  metric                 TEXT NOT NULL CHECK (metric <> ''),
  difference             REAL NOT NULL,         -- configuration minus baseline: in ROUGE points, or in the metric's unit
  low                    REAL,                  -- 95 % interval
  high                   REAL,
  p_value                REAL,
  p_corrected            REAL,
  verdict                TEXT,
  standard_error         REAL,
  degrees                REAL,
  p_not_worse            REAL,
  p_not_worse_corrected  REAL,
  p_equivalent           REAL,
  p_equivalent_corrected REAL,
  detectable             REAL,
  documents              INTEGER NOT NULL DEFAULT 0,
  seeds                  INTEGER NOT NULL DEFAULT 0,
  baseline_seeds         INTEGER NOT NULL DEFAULT 0,
  reason                 TEXT,
  PRIMARY KEY (configuration_id, baseline_id, metric)
);
INSERT INTO comparisons
SELECT sweep_id, configuration_id, baseline_id, metric, difference, low, high, p_value, p_corrected, verdict, standard_error,
       degrees, p_not_worse, p_not_worse_corrected, p_equivalent, p_equivalent_corrected, detectable, documents, seeds,
       baseline_seeds, reason
FROM comparisons_before;
DROP TABLE comparisons_before;
CREATE INDEX comparisons_by_sweep ON comparisons (sweep_id, metric);

-- What `score` and `rescore` brought, a row a configuration and metric, beside the baseline; in the metric's unit.
CREATE VIEW score_table AS
WITH sums AS (
  SELECT sweep_id, metric, configuration, count(*) AS seeds, avg(mean) AS mean, sum(mean * mean) AS squares, min(documents) AS documents
  FROM score_runs GROUP BY sweep_id, metric, configuration
)
SELECT w.name AS sweep, s.configuration AS configuration, s.metric AS metric, s.seeds AS seeds, s.documents AS documents,
       s.mean AS mean,
       CASE WHEN s.seeds < 2 THEN NULL
            WHEN s.squares - s.seeds * s.mean * s.mean > 1e-14 * s.squares
            THEN sqrt((s.squares - s.seeds * s.mean * s.mean) / (s.seeds - 1)) ELSE 0.0 END AS sd,
       coalesce(p.difference, f.difference) AS difference,
       coalesce(p.low, f.low) AS low, coalesce(p.high, f.high) AS high,
       coalesce(p.p_value, f.p_value) AS p_value, coalesce(p.p_corrected, f.p_corrected) AS p_corrected
FROM sums AS s
JOIN sweeps AS w ON w.id = s.sweep_id
LEFT JOIN configurations AS k ON k.sweep_id = s.sweep_id AND k.name = s.configuration
LEFT JOIN comparisons AS p ON p.configuration_id = k.id AND p.metric = s.metric
LEFT JOIN foreign_comparisons AS f ON f.sweep_id = s.sweep_id AND f.name = s.configuration AND f.metric = s.metric
ORDER BY w.submitted_at, w.rowid, s.metric, k.id IS NULL, k.position, s.configuration;
