-- What a sweep's files are, by content, and which workers have others.

-- Fixed by the first attempt that said it. name: model, documents (as read from the data), or a path.
CREATE TABLE sweep_files (
  sweep_id     TEXT NOT NULL REFERENCES sweeps (id),
  name         TEXT NOT NULL,
  fingerprint  TEXT NOT NULL,               -- SHA-256
  worker_id    TEXT NOT NULL REFERENCES workers (id),
  fixed_at     TEXT NOT NULL,
  PRIMARY KEY (sweep_id, name)
) WITHOUT ROWID;

-- The worker gets none of the sweep's trials, until a person readmits it or its process starts anew.
CREATE TABLE barred_workers (
  worker_id  TEXT NOT NULL REFERENCES workers (id),
  sweep_id   TEXT NOT NULL REFERENCES sweeps (id),
  process    TEXT NOT NULL,                 -- which start of the worker's
  reason     TEXT NOT NULL,
  barred_at  TEXT NOT NULL,
  PRIMARY KEY (worker_id, sweep_id)
) WITHOUT ROWID;

-- What sweeps with results have been run on, where all of them say the same.
INSERT INTO sweep_files
SELECT t.sweep_id, 'model', r.model_fingerprint, a.worker_id, min(r.finished_at)
FROM results AS r JOIN trials AS t ON t.id = r.trial_id JOIN attempts AS a ON a.id = r.attempt_id
WHERE r.model_fingerprint <> '' GROUP BY t.sweep_id HAVING count(DISTINCT r.model_fingerprint) = 1;
INSERT INTO sweep_files
SELECT t.sweep_id, 'documents', r.data_fingerprint, a.worker_id, min(r.finished_at)
FROM results AS r JOIN trials AS t ON t.id = r.trial_id JOIN attempts AS a ON a.id = r.attempt_id
WHERE r.data_fingerprint <> '' GROUP BY t.sweep_id HAVING count(DISTINCT r.data_fingerprint) = 1;
