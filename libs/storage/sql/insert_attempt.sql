-- Registers the staging of an attempt. $1 attempt_id, $2 owner, $3 table name.
INSERT INTO lienthong_staging.attempt (attempt_id, owner, table_name) VALUES ($1, $2, $3)
