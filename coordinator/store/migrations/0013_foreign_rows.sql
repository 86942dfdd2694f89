-- Rows of others: a paper's, shown in a sweep's table with their source, and never tested against.

CREATE TABLE foreign_rows (
  sweep_id              TEXT NOT NULL REFERENCES sweeps (id),
  name                  TEXT NOT NULL,
  source                TEXT NOT NULL,               -- where it stands: a citation, a URL
  seeds                 INTEGER CHECK (seeds >= 1),  -- runs that the figures are of, where it says so
  rouge1_mean           REAL,                        -- percent, as papers print them
  rouge1_sd             REAL,
  rouge2_mean           REAL,
  rouge2_sd             REAL,
  rougeL_mean           REAL,
  rougeL_sd             REAL,
  rougeLsum_mean        REAL,
  rougeLsum_sd          REAL,
  trainable_parameters  INTEGER CHECK (trainable_parameters >= 0),
  trainable_percent     REAL,
  imported_at           TEXT NOT NULL,
  PRIMARY KEY (sweep_id, name)
) WITHOUT ROWID;
