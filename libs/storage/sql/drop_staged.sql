-- Staging of one dataset, and what was loaded or staged beside it.
DROP TABLE IF EXISTS {STAGED}, {STAGED}_feature, {STAGED}_log, {STAGED}_same
