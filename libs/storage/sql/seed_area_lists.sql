-- Adds code lists that are not there yet. $1 list text[], $2 title text[], $3 first day text[], $4 last day text[] ('' =
-- open), $5 those that are current text[].
INSERT INTO lienthong.area_list (list, title, valid_from, valid_to, current)
SELECT list, title, nullif(first, '')::date, nullif(last, '')::date, list = ANY ($5)
FROM unnest($1, $2, $3, $4) AS x (list, title, first, last)
ON CONFLICT (list) DO NOTHING
