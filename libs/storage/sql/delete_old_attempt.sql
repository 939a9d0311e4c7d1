-- Forgets the staging of an attempt that nobody went on with. $1 attempt_id, $2 owner, $3 milliseconds to keep it.
-- Column: prefix; no row when it is in use again or too young.
DELETE FROM lienthong_staging.attempt
WHERE attempt_id = $1 AND owner = $2 AND updated_at <= clock_timestamp() - make_interval(secs => $3::float8 / 1000)
RETURNING prefix
