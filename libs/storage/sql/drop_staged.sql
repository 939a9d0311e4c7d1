-- Staging of one dataset, and what was loaded beside it.
DROP TABLE IF EXISTS {STAGED}, {STAGED}_feature, {STAGED}_log
