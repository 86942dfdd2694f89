-- What people do to what runs: retry and drain.

-- Attempts lost or handed back, since the trial's last retry. A lost attempt counts once its trial is granted again.
ALTER TABLE trials ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0 CHECK (interruptions >= 0);
UPDATE trials SET interruptions = (SELECT count(*) FROM attempts AS a
                                   WHERE a.trial_id = trials.id AND a.state IN ('returned', 'superseded'));

-- A person wants the worker to take nothing new.
ALTER TABLE workers ADD COLUMN drain INTEGER NOT NULL DEFAULT 0 CHECK (drain IN (0, 1));
