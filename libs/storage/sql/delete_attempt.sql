-- Forgets an attempt's staging. $1 attempt_id, $2 epoch. Affects no row when another stream has taken it over.
DELETE FROM lienthong_staging.attempt WHERE attempt_id = $1 AND epoch = $2
