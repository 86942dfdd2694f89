-- Who is at fault: a worker that fails whatever it is given, a trial that takes its workers down.

-- Why the worker gets nothing new until a person readmits it; NULL: it may have trials.
ALTER TABLE workers ADD COLUMN quarantine TEXT;
-- Trials that failed on it since one last succeeded there: a JSON list of ids.
ALTER TABLE workers ADD COLUMN failing TEXT NOT NULL DEFAULT '[]';
-- The trial's token when a person last had it retried: what its attempts until then did does not count any more.
ALTER TABLE trials ADD COLUMN retried_token INTEGER NOT NULL DEFAULT 0;
