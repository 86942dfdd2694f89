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

-- As before, with the verdict of the sweep's primary metric in columns of its own.
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
