-- All staging there is. Columns: attempt_id, owner, table_name.
SELECT attempt_id, owner, table_name FROM lienthong_staging.attempt ORDER BY attempt_id
