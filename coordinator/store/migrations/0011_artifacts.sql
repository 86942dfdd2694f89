-- Files of trials that the coordinator keeps beside this database, in DIR/artifacts, and for how long.

-- The newest checkpoint of a trial that may go on, and the adapter of one that succeeded. Its files are on disk before it is here.
CREATE TABLE artifacts (
  trial_id    TEXT NOT NULL REFERENCES trials (id),
  kind        TEXT NOT NULL CHECK (kind IN ('checkpoint', 'adapter')),
  attempt_id  TEXT NOT NULL REFERENCES attempts (id),
  token       INTEGER NOT NULL,             -- the attempt's
  step        INTEGER NOT NULL CHECK (step >= 0),
  path        TEXT NOT NULL UNIQUE,         -- of a folder, under DIR/artifacts
  bytes       INTEGER NOT NULL CHECK (bytes >= 0),
  files       TEXT NOT NULL,                -- JSON list of {name, bytes, sha256}
  created_at  TEXT NOT NULL,
  PRIMARY KEY (trial_id, kind)
) WITHOUT ROWID;

-- What is kept how long after the sweep's end, in milliseconds: a JSON object {checkpoints, artifacts, logs}; for ever what is
-- null. A sweep that was there keeps what it has.
ALTER TABLE sweeps ADD COLUMN keep TEXT NOT NULL DEFAULT '{"checkpoints":null,"artifacts":null,"logs":null}';
