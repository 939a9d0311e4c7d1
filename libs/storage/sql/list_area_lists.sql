-- Code lists after a name. $1 list, $2 limit int8. Columns: list, title, valid_from, valid_to, current, units, units with
-- polygon.
SELECT l.list, l.title, l.valid_from, l.valid_to, l.current, count(a.id), count(a.id) FILTER (WHERE a.version > 0)
FROM lienthong.area_list l LEFT JOIN lienthong.area a ON a.list = l.list
WHERE l.list > $1 GROUP BY l.list ORDER BY l.list LIMIT $2
