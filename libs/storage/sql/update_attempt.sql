-- Progress, in the transaction of the piece itself. $1 attempt_id, $2 epoch, $3 piece, $4 changes, $5 running hash,
-- $6 last batch, $7 state as JSON.
UPDATE lienthong_staging.attempt
SET piece = $3, changes = $4, running_hash = $5, sequence = $6, state = $7, updated_at = clock_timestamp()
WHERE attempt_id = $1 AND epoch = $2 AND piece = $3 - 1
