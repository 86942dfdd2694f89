-- Retries by the kind of failure, and a limit of interruptions.

-- What differs from max_attempts and backoff_ms where a trial's last failure is of that kind: a JSON object.
ALTER TABLE sweeps ADD COLUMN retry_kinds TEXT NOT NULL DEFAULT '{}';
-- How often a trial may be lost or handed back. A sweep that was there keeps the limit that it was submitted under.
ALTER TABLE sweeps ADD COLUMN max_interruptions INTEGER NOT NULL DEFAULT 100 CHECK (max_interruptions >= 0);
