-- Progress, in the transaction of the piece itself. $1 attempt_id, $2 piece, $3 changes, $4 running hash.
UPDATE lienthong_staging.attempt SET piece = $2, changes = $3, running_hash = $4 WHERE attempt_id = $1 AND piece = $2 - 1
