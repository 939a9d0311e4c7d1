-- How many features have which effect. Columns: op, count.
SELECT op, count(*) FROM lt_effect GROUP BY op ORDER BY op
