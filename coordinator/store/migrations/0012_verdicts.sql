-- What a configuration is worth beside its baseline: what was asked in the sweep file, and what the test said.

ALTER TABLE sweeps ADD COLUMN primary_metric TEXT NOT NULL DEFAULT 'rouge1'
  CHECK (primary_metric IN ('rouge1', 'rouge2', 'rougeL', 'rougeLsum'));
ALTER TABLE sweeps ADD COLUMN margin REAL NOT NULL DEFAULT 0.5 CHECK (margin > 0);     -- ROUGE points
-- How many configurations are tested, fixed when the sweep is submitted: what p-values are corrected for.
ALTER TABLE sweeps ADD COLUMN family INTEGER NOT NULL DEFAULT 0;
-- Rows or seeds came after the submission.
ALTER TABLE sweeps ADD COLUMN extended INTEGER NOT NULL DEFAULT 0 CHECK (extended IN (0, 1));
UPDATE sweeps SET family = (SELECT count(*) FROM configurations AS c
                            WHERE c.sweep_id = sweeps.id AND c.baseline = 0 AND c.arm IN ('full', 'lora', 'prompt'));

-- Written once every trial of the configuration and of its baseline has ended. All in ROUGE points.
ALTER TABLE comparisons ADD COLUMN standard_error REAL;           -- of the difference
ALTER TABLE comparisons ADD COLUMN degrees REAL;                  -- of freedom, of Student's t
ALTER TABLE comparisons ADD COLUMN p_not_worse REAL;              -- that the difference is -margin or less
ALTER TABLE comparisons ADD COLUMN p_not_worse_corrected REAL;
ALTER TABLE comparisons ADD COLUMN p_equivalent REAL;             -- that it lies beyond -margin or margin
ALTER TABLE comparisons ADD COLUMN p_equivalent_corrected REAL;
ALTER TABLE comparisons ADD COLUMN detectable REAL;               -- the difference seen in 80 of 100 such sweeps
ALTER TABLE comparisons ADD COLUMN documents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comparisons ADD COLUMN seeds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comparisons ADD COLUMN baseline_seeds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comparisons ADD COLUMN reason TEXT;                   -- why the verdict is withheld, or is not 'better'
CREATE INDEX comparisons_by_sweep ON comparisons (sweep_id, metric);

-- As before, with what rows are chosen by, and whether their training had come to rest.
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
       CASE WHEN m.one_base THEN m.model_fingerprint END            AS model_fingerprint
FROM scores AS m
ORDER BY m.submitted_at, m.sweep_position, m.position, m.configuration_id;

-- Beside the baseline as before, with the verdict of the sweep's primary metric in columns of its own.
DROP VIEW versus_full;
CREATE VIEW versus_full AS
SELECT r.sweep, r.arm, r.configuration, r.seeds, r.planned,
       b.configuration AS baseline, b.seeds AS baseline_seeds,
       w.primary_metric AS primary_metric, w.margin AS margin,
       cp.verdict AS verdict, cp.reason AS reason, cp.detectable AS detectable, cp.documents AS documents,
       r.rouge1_mean, r.rouge1_sd, b.rouge1_mean AS rouge1_baseline,
       coalesce(c1.difference, r.rouge1_mean - b.rouge1_mean) AS rouge1_difference,
       c1.low AS rouge1_low, c1.high AS rouge1_high,
       c1.p_value AS rouge1_p, c1.p_corrected AS rouge1_p_corrected, c1.verdict AS rouge1_verdict,
       r.rouge2_mean, r.rouge2_sd, b.rouge2_mean AS rouge2_baseline,
       coalesce(c2.difference, r.rouge2_mean - b.rouge2_mean) AS rouge2_difference,
       c2.low AS rouge2_low, c2.high AS rouge2_high,
       c2.p_value AS rouge2_p, c2.p_corrected AS rouge2_p_corrected, c2.verdict AS rouge2_verdict,
       r.rougeL_mean, r.rougeL_sd, b.rougeL_mean AS rougeL_baseline,
       coalesce(cl.difference, r.rougeL_mean - b.rougeL_mean) AS rougeL_difference,
       cl.low AS rougeL_low, cl.high AS rougeL_high,
       cl.p_value AS rougeL_p, cl.p_corrected AS rougeL_p_corrected, cl.verdict AS rougeL_verdict,
       r.rougeLsum_mean, r.rougeLsum_sd, b.rougeLsum_mean AS rougeLsum_baseline,
       coalesce(cs.difference, r.rougeLsum_mean - b.rougeLsum_mean) AS rougeLsum_difference,
       cs.low AS rougeLsum_low, cs.high AS rougeLsum_high,
       cs.p_value AS rougeLsum_p, cs.p_corrected AS rougeLsum_p_corrected, cs.verdict AS rougeLsum_verdict
FROM rouge_table AS r
JOIN sweeps AS w ON w.name = r.sweep
JOIN configurations AS k ON k.sweep_id = w.id AND k.name = r.configuration
LEFT JOIN configurations AS kb ON kb.sweep_id = w.id AND kb.baseline = 1
LEFT JOIN rouge_table AS b ON b.sweep = r.sweep AND b.configuration = kb.name
LEFT JOIN comparisons AS c1 ON c1.configuration_id = k.id AND c1.baseline_id = kb.id AND c1.metric = 'rouge1'
LEFT JOIN comparisons AS c2 ON c2.configuration_id = k.id AND c2.baseline_id = kb.id AND c2.metric = 'rouge2'
LEFT JOIN comparisons AS cl ON cl.configuration_id = k.id AND cl.baseline_id = kb.id AND cl.metric = 'rougeL'
LEFT JOIN comparisons AS cs ON cs.configuration_id = k.id AND cs.baseline_id = kb.id AND cs.metric = 'rougeLsum'
LEFT JOIN comparisons AS cp ON cp.configuration_id = k.id AND cp.baseline_id = kb.id AND cp.metric = w.primary_metric
ORDER BY w.submitted_at, w.rowid, k.position, k.id;
