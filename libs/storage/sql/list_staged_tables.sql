-- Staging tables without a registration: left by a crash of the server, which empties unlogged tables.
-- Column: table name, quoted where needed.
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'lienthong_staging' AND c.relkind = 'r' AND c.relname LIKE 'staged\_%'
  AND NOT EXISTS (SELECT 1 FROM lienthong_staging.attempt a WHERE starts_with(c.relname, a.prefix || '_'))
ORDER BY 1
