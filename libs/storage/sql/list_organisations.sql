-- Organisations after a name. $1 name, $2 limit int8. Columns as find_organisation.
SELECT id, name, title, created_at FROM lienthong.organisation WHERE name > $1 ORDER BY name LIMIT $2
