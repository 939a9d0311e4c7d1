-- One page of what features were at two versions, for a reader whose view changes between them: $1 the version before, $2 the
-- version after, $3 fid after which to go on, $4 ids at most, $5 bytes after which to stop, $6 to $9 the box of the view before,
-- $10 to $13 of the view after (null: everywhere). Columns: horizon, fid, then for after and for before each: version of
-- the last change (null: none), exists, content_hash, payload (of what touches its box), box (four). Without ids one row
-- with a null fid. The ids are those that exist now or ever did.
SELECT h.horizon, y.fid, y.version, y.exists, y.content_hash, y.payload, y.x1, y.y1, y.x2, y.y2,
  y.b_version, y.b_exists, y.b_content_hash, y.b_payload, y.b_x1, y.b_y1, y.b_x2, y.b_y2
FROM lienthong.dataset_head h
LEFT JOIN (
  SELECT x.*, sum(x.bytes) OVER (ORDER BY x.fid ROWS UNBOUNDED PRECEDING) - x.bytes AS bytes_before
  FROM (
    SELECT c.fid, n.version, coalesce(n.op <> 'D', false) AS exists, n.content_hash, n.x1, n.y1, n.x2, n.y2,
      b.version AS b_version, coalesce(b.op <> 'D', false) AS b_exists, b.content_hash AS b_content_hash,
      b.x1 AS b_x1, b.y1 AS b_y1, b.x2 AS b_x2, b.y2 AS b_y2,
      CASE WHEN n.near THEN n.payload END AS payload, CASE WHEN b.near THEN b.payload END AS b_payload,
      CASE WHEN n.near THEN n.size ELSE 0 END + CASE WHEN b.near THEN b.size ELSE 0 END AS bytes
    FROM (
      (SELECT fid FROM lienthong_data.feature_{N} WHERE fid > $3 ORDER BY fid LIMIT $4)
      UNION ALL
      (SELECT fid FROM lienthong_data.gone_{N} WHERE fid > $3 ORDER BY fid LIMIT $4)
      ORDER BY fid LIMIT $4
    ) c
    LEFT JOIN LATERAL (
      SELECT l.*, coalesce(l.x1 <= $12 AND l.x2 >= $10 AND l.y1 <= $13 AND l.y2 >= $11, $10 IS NULL) AS near
      FROM lienthong_data.log_{N} l WHERE l.fid = c.fid AND l.version <= $2 ORDER BY l.version DESC LIMIT 1
    ) n ON true
    LEFT JOIN LATERAL (
      SELECT l.*, coalesce(l.x1 <= $8 AND l.x2 >= $6 AND l.y1 <= $9 AND l.y2 >= $7, $6 IS NULL) AS near
      FROM lienthong_data.log_{N} l WHERE l.fid = c.fid AND l.version <= $1 ORDER BY l.version DESC LIMIT 1
    ) b ON true
  ) x
) y ON y.bytes_before < $5
WHERE h.dataset_id = {N} ORDER BY y.fid
