-- A trial's settings are its configuration's, with its seed: kept once, not once a seed.

ALTER TABLE configurations ADD COLUMN trial TEXT NOT NULL DEFAULT '{}';  -- the trial file, JSON, with seed 0
UPDATE configurations SET trial = coalesce(
  (SELECT json_set(t.settings, '$.seed', 0) FROM trials AS t WHERE t.configuration_id = configurations.id LIMIT 1), '{}');
ALTER TABLE trials DROP COLUMN settings;

-- What sweep-trainer train --trial reads.
CREATE VIEW trial_files AS
SELECT t.id AS trial_id, t.sweep_id AS sweep_id, t.name AS name, json_set(c.trial, '$.seed', t.seed) AS settings
FROM trials AS t JOIN configurations AS c ON c.id = t.configuration_id;
