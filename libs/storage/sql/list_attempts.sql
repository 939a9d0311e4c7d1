-- All staging there is. Columns: attempt_id, owner.
SELECT attempt_id, owner FROM lienthong_staging.attempt ORDER BY attempt_id
