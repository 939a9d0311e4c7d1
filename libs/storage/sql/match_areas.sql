-- Units whose code is $1 or whose name is $2 (in lower case without diacritics), at most $3 int8; when there is none, those
-- whose name has $2 in it or is in it. Those in force first. Columns: list, code, name, valid_from, valid_to, successors
-- (LIST:CODE, one space between), exact.
WITH exact AS (
  SELECT id, list, code, name, valid_from, valid_to, true AS exact FROM lienthong.area WHERE code = $1 OR search_name = $2
  ORDER BY valid_to DESC NULLS FIRST, list, code LIMIT $3
), near AS (
  SELECT id, list, code, name, valid_from, valid_to, false AS exact FROM lienthong.area
  WHERE $2 <> '' AND (strpos(search_name, $2) > 0 OR strpos($2, search_name) > 0) AND NOT EXISTS (SELECT 1 FROM exact)
  ORDER BY valid_to DESC NULLS FIRST, list, code LIMIT $3
)
SELECT x.list, x.code, x.name, x.valid_from, x.valid_to,
  (SELECT string_agg(o.list || ':' || o.code, ' ' ORDER BY o.list, o.code) FROM lienthong.area_relation r
   JOIN lienthong.area o ON o.id = r.successor_id WHERE r.predecessor_id = x.id),
  x.exact
FROM (SELECT * FROM exact UNION ALL SELECT * FROM near) x
ORDER BY x.valid_to DESC NULLS FIRST, x.list, x.code
