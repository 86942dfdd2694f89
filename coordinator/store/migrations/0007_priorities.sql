-- Which sweep is served first, how much of it runs at once, and on which hosts.

ALTER TABLE sweeps ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;                -- higher first
ALTER TABLE sweeps ADD COLUMN max_running INTEGER CHECK (max_running >= 1);       -- NULL: any number
ALTER TABLE sweeps ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';                  -- JSON object: what its workers must have
ALTER TABLE workers ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';                 -- JSON object: what it was started with
