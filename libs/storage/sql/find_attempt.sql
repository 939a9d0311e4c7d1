-- Progress as staged. $1 attempt_id. Columns: epoch, piece, changes, running_hash.
SELECT epoch, piece, changes, running_hash FROM lienthong_staging.attempt WHERE attempt_id = $1
