-- One page of the part of a version that may be inside a view: as snapshot_page, and $5 to $8 the box of the view (null:
-- everywhere). Columns: horizon, version, fid, payload, box (four, null without geometry). What cannot be inside comes with a null version.
-- The box of the current state tells without a look at the log where it is as old as $1.
SELECT h.horizon, y.version, y.fid, y.payload, y.x1, y.y1, y.x2, y.y2
FROM lienthong.dataset_head h
LEFT JOIN (
  SELECT x.*, sum(bytes) OVER (ORDER BY fid ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before
  FROM (
    SELECT c.fid, l.version, l.payload, coalesce(l.size, 0) AS bytes, l.x1, l.y1, l.x2, l.y2
    FROM (
      (SELECT fid, version, true AS there, coalesce(x1 <= $7 AND x2 >= $5 AND y1 <= $8 AND y2 >= $6, $5 IS NULL) AS near
       FROM lienthong_data.feature_{N} WHERE fid > $2 ORDER BY fid LIMIT $3)
      UNION ALL
      (SELECT fid, version, false, false FROM lienthong_data.gone_{N} WHERE fid > $2 ORDER BY fid LIMIT $3)
      ORDER BY fid LIMIT $3
    ) c
    LEFT JOIN LATERAL (
      SELECT s.* FROM (
        SELECT n.version, n.op, n.size, n.payload, n.x1, n.y1, n.x2, n.y2 FROM lienthong_data.log_{N} n
        WHERE n.fid = c.fid AND n.version <= least($1, c.version) AND ((c.there AND c.near) OR c.version > $1)
        ORDER BY n.version DESC LIMIT 1
      ) s WHERE s.op <> 'D' AND coalesce(s.x1 <= $7 AND s.x2 >= $5 AND s.y1 <= $8 AND s.y2 >= $6, $5 IS NULL)
    ) l ON true
  ) x
) y ON y.bytes_before < $4
WHERE h.dataset_id = {N} ORDER BY y.fid
