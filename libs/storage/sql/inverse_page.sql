-- One page of what undoes a version: $1 dataset id int4, $2 version, $3 fid after which to go on, $4 rows at most, $5 bytes
-- after which to stop. Columns: horizon, fid, op, before_payload. A page without changes has one row with a null fid.
-- Index: the primary key of log_N for the changes, log_N (fid, version DESC) for the states before.
SELECT h.horizon, y.fid, y.op, y.payload
FROM lienthong.dataset_head h
LEFT JOIN (
  SELECT x.*, sum(bytes) OVER (ORDER BY fid ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before
  FROM (
    SELECT l.fid, l.op, p.payload, coalesce(p.size, 0) AS bytes
    FROM (
      SELECT fid, op, prev_version FROM lienthong_data.log_{N} WHERE version = $2 AND fid > $3 ORDER BY fid LIMIT $4
    ) l
    LEFT JOIN LATERAL (
      SELECT n.size, n.payload FROM lienthong_data.log_{N} n
      WHERE n.fid = l.fid AND n.version = l.prev_version AND n.op <> 'D' LIMIT 1
    ) p ON true
  ) x
) y ON y.bytes_before < $5
WHERE h.dataset_id = $1 ORDER BY y.fid
