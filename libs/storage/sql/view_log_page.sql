-- One page of the changes that may concern a view: $1 last version, $2 version and $3 fid after which to go on, $4 rows at most,
-- $5 bytes of payload after which to stop, $6 to $9 the box of the view (null: everywhere), $10 a version: what replaced a change
-- after it may have been inside before, $11 rows to look at at most. Columns: horizon, end_version and end_fid (where
-- looking ended; null: the end), version, fid, op, payload (of what touches the box), prev_version, prev_op,
-- content_hash, box (four, null without geometry). Without such changes one row with a null fid.
WITH e AS MATERIALIZED (
  SELECT version, fid FROM lienthong_data.log_{N}
  WHERE (version, fid) > ($2, $3) AND version <= $1 ORDER BY version, fid OFFSET $11 LIMIT 1
)
SELECT h.horizon, (SELECT version FROM e) AS end_version, (SELECT fid FROM e) AS end_fid,
  y.version, y.fid, y.op, y.payload, y.prev_version, y.prev_op, y.content_hash, y.x1, y.y1, y.x2, y.y2
FROM lienthong.dataset_head h
LEFT JOIN (
  SELECT x.*, sum(x.bytes) OVER (ORDER BY x.version, x.fid ROWS UNBOUNDED PRECEDING) - x.bytes AS bytes_before
  FROM (
    SELECT r.version, r.fid, r.op, r.prev_version, r.prev_op, r.content_hash, r.x1, r.y1, r.x2, r.y2,
      CASE WHEN r.near THEN r.payload END AS payload, CASE WHEN r.near THEN r.size ELSE 0 END AS bytes
    FROM (
      SELECT l.*, coalesce(l.x1 <= $8 AND l.x2 >= $6 AND l.y1 <= $9 AND l.y2 >= $7, $6 IS NULL) AS near
      FROM lienthong_data.log_{N} l
      -- No id is as long as the last one in the order of bytes.
      WHERE (l.version, l.fid) > ($2, $3) AND (l.version, l.fid) <=
        (coalesce((SELECT version FROM e), $1), coalesce((SELECT fid FROM e), repeat(chr(1114111), 33)))
    ) r
    WHERE r.near OR (r.px1 <= $8 AND r.px2 >= $6 AND r.py1 <= $9 AND r.py2 >= $7) OR r.prev_version > $10
    ORDER BY r.version, r.fid LIMIT $4
  ) x
) y ON y.bytes_before < $5
WHERE h.dataset_id = {N} ORDER BY y.version, y.fid
