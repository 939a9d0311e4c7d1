-- Staging tables of one attempt. $1 prefix without schema. Column: table name, quoted where needed.
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'lienthong_staging' AND c.relkind = 'r' AND starts_with(c.relname, $1 || '_')
ORDER BY 1
