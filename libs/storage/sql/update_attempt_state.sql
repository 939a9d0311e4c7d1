-- What is staged has another form now. $1 attempt_id, $2 epoch, $3 state as JSON.
UPDATE lienthong_staging.attempt SET state = $3 WHERE attempt_id = $1 AND epoch = $2
