-- One page of the state at a version: $1 version, $2 fid after which to go on, $3 rows at most, $4 bytes after which to stop.
-- Columns: horizon, version, fid, payload. An empty page has one row with a null fid, so that
-- the horizon is always of the same moment as the rows. Rows with a null version
-- are features that do not exist at that version: they only move the position.
-- Only what exists now, or was deleted after $1, can have existed at $1. So the pages go over feature_N and gone_N, one row for
-- each id, and not over the log, which has one for each change. The payload is always the log's: the state now if it is as old
-- as $1, else the last one before. The correlated subquery with LIMIT is one index probe for each id in every plan.
SELECT h.horizon, y.version, y.fid, y.payload
FROM lienthong.dataset_head h
LEFT JOIN (
  SELECT x.*, sum(bytes) OVER (ORDER BY fid ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before
  FROM (
    SELECT c.fid, l.version, l.payload, coalesce(l.size, 0) AS bytes
    FROM (
      (SELECT fid, version, true AS there FROM lienthong_data.feature_{N} WHERE fid > $2 ORDER BY fid LIMIT $3)
      UNION ALL
      (SELECT fid, version, false FROM lienthong_data.gone_{N} WHERE fid > $2 ORDER BY fid LIMIT $3)
      ORDER BY fid LIMIT $3
    ) c
    LEFT JOIN LATERAL (
      SELECT s.* FROM (
        SELECT n.version, n.op, n.size, n.payload FROM lienthong_data.log_{N} n
        WHERE n.fid = c.fid AND n.version <= least($1, c.version) AND (c.there OR c.version > $1)
        ORDER BY n.version DESC LIMIT 1
      ) s WHERE s.op <> 'D'
    ) l ON true
  ) x
) y ON y.bytes_before < $4
WHERE h.dataset_id = {N} ORDER BY y.fid
