-- What people query: means over seeds, in percent, one row a configuration. docs/schema.md explains every column.
-- sqrt() is SQLite's own since 3.35, where it is built with its mathematical functions, as all common builds are.

-- Each configuration's results, one row a trial that has one; ordered by seed so that sums repeat to the last bit.
CREATE VIEW rouge_table AS
WITH scored AS (
  SELECT t.configuration_id, r.*
  FROM trials AS t JOIN results AS r ON r.trial_id = t.id
  ORDER BY t.configuration_id, r.seed
),
means AS (
  SELECT configuration_id,
         count(*)                            AS seeds,
         avg(test_rouge1)                    AS rouge1,
         avg(test_rouge2)                    AS rouge2,
         avg(test_rougeL)                    AS rougeL,
         avg(test_rougeLsum)                 AS rougeLsum,
         avg(validation_rouge1)              AS validation_rouge1,
         avg(validation_loss)                AS validation_loss,
         max(trainable_parameters)           AS trainable_parameters,
         max(trainable_share)                AS trainable_share,
         max(adapter_bytes)                  AS adapter_bytes,
         count(DISTINCT device_model) = 1    AS one_model,
         min(device_model)                   AS device_model,
         avg(train_seconds)                  AS train_seconds,
         avg(tokens_per_second)              AS tokens_per_second,
         max(peak_memory_bytes)              AS peak_memory_bytes,
         avg(latency_p50_seconds)            AS latency_p50_seconds,
         avg(latency_p95_seconds)            AS latency_p95_seconds,
         avg(generated_tokens_per_second)    AS generated_tokens_per_second
  FROM scored
  GROUP BY configuration_id
),
-- Sample standard deviation in two passes; a single seed gives 0 / 0, which is NULL.
spread AS (
  SELECT s.configuration_id,
         sqrt(sum((s.test_rouge1 - m.rouge1) * (s.test_rouge1 - m.rouge1)) / (count(*) - 1)) AS rouge1,
         sqrt(sum((s.test_rouge2 - m.rouge2) * (s.test_rouge2 - m.rouge2)) / (count(*) - 1)) AS rouge2,
         sqrt(sum((s.test_rougeL - m.rougeL) * (s.test_rougeL - m.rougeL)) / (count(*) - 1)) AS rougeL,
         sqrt(sum((s.test_rougeLsum - m.rougeLsum) * (s.test_rougeLsum - m.rougeLsum)) / (count(*) - 1)) AS rougeLsum
  FROM scored AS s JOIN means AS m ON m.configuration_id = s.configuration_id
  GROUP BY s.configuration_id
)
SELECT w.name                                        AS sweep,
       c.arm                                         AS arm,
       c.name                                        AS configuration,
       coalesce(m.seeds, 0)                          AS seeds,
       c.planned                                     AS planned,
       (SELECT count(*) FROM trials AS t
        WHERE t.configuration_id = c.id AND t.state = 'failed') AS failed,
       100 * m.rouge1                                AS rouge1_mean,
       CASE WHEN c.arm IN ('zero_shot', 'lead') THEN NULL ELSE 100 * d.rouge1 END    AS rouge1_sd,
       100 * m.rouge2                                AS rouge2_mean,
       CASE WHEN c.arm IN ('zero_shot', 'lead') THEN NULL ELSE 100 * d.rouge2 END    AS rouge2_sd,
       100 * m.rougeL                                AS rougeL_mean,
       CASE WHEN c.arm IN ('zero_shot', 'lead') THEN NULL ELSE 100 * d.rougeL END    AS rougeL_sd,
       100 * m.rougeLsum                             AS rougeLsum_mean,
       CASE WHEN c.arm IN ('zero_shot', 'lead') THEN NULL ELSE 100 * d.rougeLsum END AS rougeLsum_sd,
       c.baseline                                    AS baseline,
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
       m.validation_loss                             AS validation_loss_mean
FROM configurations AS c
JOIN sweeps AS w ON w.id = c.sweep_id
LEFT JOIN means AS m ON m.configuration_id = c.id
LEFT JOIN spread AS d ON d.configuration_id = c.id
ORDER BY w.submitted_at, w.rowid, c.position, c.id;

-- The table again, beside the baseline of the same sweep. Differences are in ROUGE points: a comparison's own where one
-- has been computed, else the difference of the means. Intervals, p-values and verdicts are NULL until computed.
CREATE VIEW versus_full AS
SELECT r.sweep, r.arm, r.configuration, r.seeds, r.planned,
       b.configuration AS baseline, b.seeds AS baseline_seeds,
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
ORDER BY w.submitted_at, w.rowid, k.position, k.id;

-- One row a configuration, axis and metric; `held` says where its other axes stand, so that nothing is averaged across
-- them: plot `value` against `mean` within one `held`. Numbers among the values are numbers here, and sort as such.
CREATE VIEW sensitivity AS
WITH points AS (
  SELECT c.id, c.sweep_id, c.arm, c.position, a.id AS axis_position, a.key AS axis,
         CASE WHEN json_valid(a.value) AND json_type(a.value) IN ('integer', 'real')
              THEN CAST(a.value AS NUMERIC) ELSE a.value END AS value,
         coalesce((SELECT group_concat(o.key || '=' || o.value, ', ')
                   FROM json_each(c.axes) AS o WHERE o.key <> a.key), '') AS held
  FROM configurations AS c, json_each(c.axes) AS a
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
