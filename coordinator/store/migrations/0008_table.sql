-- The table in one walk over a sweep's results: its rows used to be joined, sorted and read twice, those of all sweeps
-- however few were asked for.

-- Each configuration's results in the order of their seeds, so that sums repeat to the last bit.
CREATE INDEX results_by_configuration ON results (sweep, configuration, seed);

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
         avg(r.validation_loss)              AS validation_loss,
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
       CASE WHEN m.one_data THEN m.data_fingerprint END             AS data_fingerprint,
       CASE WHEN m.one_base THEN m.model_fingerprint END            AS model_fingerprint
FROM scores AS m
ORDER BY m.submitted_at, m.sweep_position, m.position, m.configuration_id;
