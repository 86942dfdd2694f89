-- Settings that are chosen before they are compared. A row of the table whose settings are chosen has candidates:
-- configurations of their own, each tried with the tuning seeds. Nothing that is compared is read from those.

ALTER TABLE sweeps ADD COLUMN tune TEXT;  -- JSON: axes, by, seeds; NULL: nothing is chosen

-- Of a row: how many settings one is chosen from. Of a candidate: 1.
ALTER TABLE configurations ADD COLUMN tries INTEGER NOT NULL DEFAULT 1 CHECK (tries >= 1);
-- The row that the candidate may become; NULL: it is a row itself.
ALTER TABLE configurations ADD COLUMN candidate_of INTEGER REFERENCES configurations (id);
-- Of a row with tries > 1, once its candidates have ended: the one with the best validation. settings and trial are its.
ALTER TABLE configurations ADD COLUMN chosen_id INTEGER REFERENCES configurations (id);
-- Tuned axes at whose end the chosen value lies, so that a better one may lie beyond: 'learning_rate=0.002 (largest)'.
ALTER TABLE configurations ADD COLUMN edge TEXT;
CREATE INDEX configurations_by_row ON configurations (candidate_of) WHERE candidate_of IS NOT NULL;

-- As before: rows alone, with how many settings theirs were chosen from.
DROP VIEW rouge_table;
CREATE VIEW rouge_table AS
WITH sums AS (
  SELECT w.name                              AS sweep,
         w.submitted_at                      AS submitted_at,
         w.rowid                             AS sweep_position,
         c.position                          AS position,
         c.id                                AS configuration_id,
         c.arm                               AS arm,
         c.name                              AS configuration,
         c.planned                           AS planned,
         c.baseline                          AS baseline,
         coalesce(json_extract(c.trial, '$.train.keep'), 'best') AS keep,
         c.tries                             AS tries,
         c.edge                              AS edge,
         count(r.seed)                       AS seeds,
         avg(r.test_rouge1)                  AS rouge1,
         sum(r.test_rouge1 * r.test_rouge1)           AS rouge1_squares,
         avg(r.test_rouge2)                  AS rouge2,
         sum(r.test_rouge2 * r.test_rouge2)           AS rouge2_squares,
         avg(r.test_rougeL)                  AS rougeL,
         sum(r.test_rougeL * r.test_rougeL)           AS rougeL_squares,
         avg(r.test_rougeLsum)               AS rougeLsum,
         sum(r.test_rougeLsum * r.test_rougeLsum)     AS rougeLsum_squares,
         avg(r.validation_rouge1)            AS validation_rouge1,
         avg(r.validation_rouge2)            AS validation_rouge2,
         avg(r.validation_rougeL)            AS validation_rougeL,
         avg(r.validation_rougeLsum)         AS validation_rougeLsum,
         avg(r.validation_loss)              AS validation_loss,
         sum(r.kept_step = r.last_step AND r.last_step > 0) AS kept_last,
         max(r.trainable_parameters)         AS trainable_parameters,
         max(r.trainable_share)              AS trainable_share,
         max(r.adapter_bytes)                AS adapter_bytes,
         min(r.device_model) = max(r.device_model) AS one_model,
         min(r.device_model)                 AS device_model,
         avg(r.train_seconds)                AS train_seconds,
         avg(r.tokens_per_second)            AS tokens_per_second,
         max(r.peak_memory_bytes)            AS peak_memory_bytes,
         avg(r.latency_p50_seconds)          AS latency_p50_seconds,
         avg(r.latency_p95_seconds)          AS latency_p95_seconds,
         avg(r.generated_tokens_per_second)  AS generated_tokens_per_second,
         min(r.data_fingerprint) = max(r.data_fingerprint)   AS one_data,
         min(r.data_fingerprint)             AS data_fingerprint,
         min(r.model_fingerprint) = max(r.model_fingerprint) AS one_base,
         min(r.model_fingerprint)            AS model_fingerprint
  FROM sweeps AS w
  JOIN configurations AS c ON c.sweep_id = w.id
  LEFT JOIN results AS r INDEXED BY results_by_configuration ON r.sweep = w.name AND r.configuration = c.name
  WHERE c.candidate_of IS NULL
  GROUP BY w.name, c.name  -- in the order of the indices: nothing is sorted, and a sweep that is asked for is looked up
),
-- Sample variances from the sums of squares; what is left of them within the sums' own rounding is nothing.
scores AS (
  SELECT *,
         CASE WHEN seeds < 2 THEN NULL
              WHEN rouge1_squares - seeds * rouge1 * rouge1 > 1e-14 * rouge1_squares
              THEN (rouge1_squares - seeds * rouge1 * rouge1) / (seeds - 1) ELSE 0.0 END AS rouge1_variance,
         CASE WHEN seeds < 2 THEN NULL
              WHEN rouge2_squares - seeds * rouge2 * rouge2 > 1e-14 * rouge2_squares
              THEN (rouge2_squares - seeds * rouge2 * rouge2) / (seeds - 1) ELSE 0.0 END AS rouge2_variance,
         CASE WHEN seeds < 2 THEN NULL
              WHEN rougeL_squares - seeds * rougeL * rougeL > 1e-14 * rougeL_squares
              THEN (rougeL_squares - seeds * rougeL * rougeL) / (seeds - 1) ELSE 0.0 END AS rougeL_variance,
         CASE WHEN seeds < 2 THEN NULL
              WHEN rougeLsum_squares - seeds * rougeLsum * rougeLsum > 1e-14 * rougeLsum_squares
              THEN (rougeLsum_squares - seeds * rougeLsum * rougeLsum) / (seeds - 1) ELSE 0.0 END AS rougeLsum_variance
  FROM sums
)
SELECT m.sweep                                       AS sweep,
       m.arm                                         AS arm,
       m.configuration                               AS configuration,
       m.seeds                                       AS seeds,
       m.planned                                     AS planned,
       (SELECT count(*) FROM trials AS t
        WHERE t.configuration_id = m.configuration_id AND t.state = 'failed') AS failed,
       100 * m.rouge1                                AS rouge1_mean,
       CASE WHEN m.arm IN ('zero_shot', 'lead') THEN NULL ELSE 100 * sqrt(m.rouge1_variance) END AS rouge1_sd,
       100 * m.rouge2                                AS rouge2_mean,
       CASE WHEN m.arm IN ('zero_shot', 'lead') THEN NULL ELSE 100 * sqrt(m.rouge2_variance) END AS rouge2_sd,
       100 * m.rougeL                                AS rougeL_mean,
       CASE WHEN m.arm IN ('zero_shot', 'lead') THEN NULL ELSE 100 * sqrt(m.rougeL_variance) END AS rougeL_sd,
       100 * m.rougeLsum                             AS rougeLsum_mean,
       CASE WHEN m.arm IN ('zero_shot', 'lead') THEN NULL ELSE 100 * sqrt(m.rougeLsum_variance) END AS rougeLsum_sd,
       m.baseline                                    AS baseline,
       m.trainable_parameters                        AS trainable_parameters,
       100 * m.trainable_share                       AS trainable_percent,
       CASE WHEN m.one_model THEN m.train_seconds END               AS train_seconds,
       CASE WHEN m.one_model THEN m.tokens_per_second END           AS tokens_per_second,
       CASE WHEN m.one_model THEN m.generated_tokens_per_second END AS generated_tokens_per_second,
       CASE WHEN m.one_model THEN m.latency_p50_seconds END         AS latency_p50_seconds,
       CASE WHEN m.one_model THEN m.latency_p95_seconds END         AS latency_p95_seconds,
       CASE WHEN m.one_model THEN m.peak_memory_bytes END           AS peak_memory_bytes,
       m.adapter_bytes                               AS adapter_bytes,
       CASE WHEN m.one_model THEN m.device_model END AS device_model,
       100 * m.validation_rouge1                     AS validation_rouge1_mean,
       m.validation_loss                             AS validation_loss_mean,
       100 * m.validation_rouge2                     AS validation_rouge2_mean,
       100 * m.validation_rougeL                     AS validation_rougeL_mean,
       100 * m.validation_rougeLsum                  AS validation_rougeLsum_mean,
       -- Of rows that keep their best checkpoint: the seeds whose best was the last, so that they had not come to rest.
       CASE WHEN m.keep = 'best' THEN m.kept_last END AS kept_last,
       CASE WHEN m.one_data THEN m.data_fingerprint END             AS data_fingerprint,
       CASE WHEN m.one_base THEN m.model_fingerprint END            AS model_fingerprint,
       m.tries                                       AS tries,
       (SELECT w.name FROM configurations AS k JOIN configurations AS w ON w.id = k.chosen_id
        WHERE k.id = m.configuration_id)             AS chosen,
       m.edge                                        AS edge
FROM scores AS m
ORDER BY m.submitted_at, m.sweep_position, m.position, m.configuration_id;

-- As before, of rows alone.
DROP VIEW sensitivity;
CREATE VIEW sensitivity AS
WITH points AS (
  SELECT c.id, c.sweep_id, c.arm, c.position, a.id AS axis_position, a.key AS axis,
         CASE WHEN json_valid(a.value) AND json_type(a.value) IN ('integer', 'real')
              THEN CAST(a.value AS NUMERIC) ELSE a.value END AS value,
         coalesce((SELECT group_concat(o.key || '=' || o.value, ', ')
                   FROM json_each(c.axes) AS o WHERE o.key <> a.key), '') AS held
  FROM configurations AS c, json_each(c.axes) AS a
  WHERE c.candidate_of IS NULL
),
scores AS (
  SELECT t.configuration_id, 'rouge1' AS metric, r.seed, 100 * r.test_rouge1 AS score
  FROM trials AS t JOIN results AS r ON r.trial_id = t.id
  UNION ALL SELECT t.configuration_id, 'rouge2', r.seed, 100 * r.test_rouge2
  FROM trials AS t JOIN results AS r ON r.trial_id = t.id
  UNION ALL SELECT t.configuration_id, 'rougeL', r.seed, 100 * r.test_rougeL
  FROM trials AS t JOIN results AS r ON r.trial_id = t.id
  UNION ALL SELECT t.configuration_id, 'rougeLsum', r.seed, 100 * r.test_rougeLsum
  FROM trials AS t JOIN results AS r ON r.trial_id = t.id
),
means AS (
  SELECT configuration_id, metric, count(*) AS seeds, avg(score) AS mean, min(score) AS low, max(score) AS high
  FROM (SELECT * FROM scores ORDER BY configuration_id, metric, seed)
  GROUP BY configuration_id, metric
),
spread AS (
  SELECT m.configuration_id, m.metric, sqrt(sum((s.score - m.mean) * (s.score - m.mean)) / (count(*) - 1)) AS sd
  FROM scores AS s JOIN means AS m ON m.configuration_id = s.configuration_id AND m.metric = s.metric
  GROUP BY m.configuration_id, m.metric
),
metric_names (metric, metric_position) AS (VALUES ('rouge1', 1), ('rouge2', 2), ('rougeL', 3), ('rougeLsum', 4))
SELECT w.name AS sweep, p.arm AS arm, p.axis AS axis, p.value AS value, p.held AS held, n.metric AS metric,
       coalesce(m.seeds, 0) AS seeds, m.mean AS mean,
       CASE WHEN p.arm IN ('zero_shot', 'lead') THEN NULL ELSE d.sd END AS sd, m.low AS low, m.high AS high
FROM points AS p
JOIN sweeps AS w ON w.id = p.sweep_id
CROSS JOIN metric_names AS n
LEFT JOIN means AS m ON m.configuration_id = p.id AND m.metric = n.metric
LEFT JOIN spread AS d ON d.configuration_id = p.id AND d.metric = n.metric
ORDER BY w.submitted_at, w.rowid, p.arm, p.axis_position, p.axis, p.held, n.metric_position, p.value;
