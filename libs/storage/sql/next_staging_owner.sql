-- A key for the advisory lock that owns a process's staging. Column: key int8.
SELECT nextval('lienthong_staging.owner_seq')
