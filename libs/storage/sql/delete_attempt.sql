-- Forgets an attempt's staging. $1 attempt_id.
DELETE FROM lienthong_staging.attempt WHERE attempt_id = $1
