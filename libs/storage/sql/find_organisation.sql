-- One organisation by name. $1 name text. Columns: id, name, title, created_at.
SELECT id, name, title, created_at FROM lienthong.organisation WHERE name = $1
