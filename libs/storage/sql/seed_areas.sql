-- Adds units that are not there yet; those that are stay as they are. Arrays of text: $1 unit_id, $2 list, $3 code,
-- $4 name, $5 search_name, $6 kind, $7 level, $8 first day, $9 last day ('' = open).
INSERT INTO lienthong.area (unit_id, list, code, name, search_name, kind, level, valid_from, valid_to)
SELECT unit_id, list, code, name, search_name, kind, level, nullif(first, '')::date, nullif(last, '')::date
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
  AS x (unit_id, list, code, name, search_name, kind, level, first, last)
ON CONFLICT DO NOTHING
