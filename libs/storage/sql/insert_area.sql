-- Adds a unit. $1 unit_id, $2 list, $3 code, $4 name, $5 search_name, $6 kind, $7 level, $8 first day, $9 last day ('' =
-- open). Column: id.
INSERT INTO lienthong.area (unit_id, list, code, name, search_name, kind, level, valid_from, valid_to)
VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, '')::date, nullif($9, '')::date) RETURNING id
