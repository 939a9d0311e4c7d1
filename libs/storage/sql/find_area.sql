-- One unit, with what is known of one version of its polygon. $1 list, $2 code, $3 version int8, null = the newest.
-- Columns: id, unit_id, list, code, name, kind, level, valid_from, valid_to, newest version, epsg and sha256 of the version
-- asked for (null when it is not there), predecessors, successors (LIST:CODE by list and code, one space between).
SELECT a.id, a.unit_id, a.list, a.code, a.name, a.kind, a.level, a.valid_from, a.valid_to, a.version, p.epsg, p.sha256,
  (SELECT string_agg(o.list || ':' || o.code, ' ' ORDER BY o.list, o.code) FROM lienthong.area_relation r
   JOIN lienthong.area o ON o.id = r.predecessor_id WHERE r.successor_id = a.id),
  (SELECT string_agg(o.list || ':' || o.code, ' ' ORDER BY o.list, o.code) FROM lienthong.area_relation r
   JOIN lienthong.area o ON o.id = r.successor_id WHERE r.predecessor_id = a.id)
FROM lienthong.area a
LEFT JOIN lienthong.area_polygon p ON p.area_id = a.id AND p.version = coalesce($3, a.version)
WHERE a.list = $1 AND a.code = $2
