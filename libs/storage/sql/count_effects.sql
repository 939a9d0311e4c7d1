-- How many features have which effect. Columns: op, count.
SELECT op, count(*) FROM {EFFECT} GROUP BY op ORDER BY op
