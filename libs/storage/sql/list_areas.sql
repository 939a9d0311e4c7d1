-- Units of a list after a code. $1 list, $2 code, $3 limit int8. Columns as find_area, of the newest version.
SELECT a.id, a.unit_id, a.list, a.code, a.name, a.kind, a.level, a.valid_from, a.valid_to, a.version, p.epsg, p.sha256,
  (SELECT string_agg(o.list || ':' || o.code, ' ' ORDER BY o.list, o.code) FROM lienthong.area_relation r
   JOIN lienthong.area o ON o.id = r.predecessor_id WHERE r.successor_id = a.id),
  (SELECT string_agg(o.list || ':' || o.code, ' ' ORDER BY o.list, o.code) FROM lienthong.area_relation r
   JOIN lienthong.area o ON o.id = r.successor_id WHERE r.predecessor_id = a.id)
FROM lienthong.area a LEFT JOIN lienthong.area_polygon p ON p.area_id = a.id AND p.version = a.version
WHERE a.list = $1 AND a.code > $2 ORDER BY a.code LIMIT $3
