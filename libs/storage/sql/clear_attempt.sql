-- Removes the findings and conflicts of an attempt that is stored anew. $1 attempt_id.
WITH f AS (DELETE FROM lienthong.finding WHERE attempt_id = $1)
DELETE FROM lienthong.conflict WHERE attempt_id = $1
