-- One page of the life of a feature, newest first: $1 dataset id int4, $2 fid, $3 version before which to go on, $4 rows at
-- most, $5 bytes after which to stop. Columns: version, op, payload, before_version, before_payload, receipt, found.
-- `before`: the state that the change replaced; null when there was none or history was compacted. `found`: rows within $4,
-- also those that $5 left out. Index: log_N (fid, version DESC).
SELECT y.version, y.op, y.payload, y.before_version, y.before_payload, c.receipt, y.found
FROM (
  SELECT x.*, count(*) OVER () AS found,
    sum(bytes) OVER (ORDER BY version DESC ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before
  FROM (
    SELECT l.version, l.op, l.payload, p.version AS before_version, p.payload AS before_payload,
      l.size + coalesce(p.size, 0) AS bytes
    FROM (
      SELECT version, prev_version, op, size, payload FROM lienthong_data.log_{N}
      WHERE fid = $2 AND version < $3 ORDER BY version DESC LIMIT $4
    ) l
    LEFT JOIN LATERAL (
      SELECT n.version, n.size, n.payload FROM lienthong_data.log_{N} n
      WHERE n.fid = $2 AND n.version = l.prev_version AND n.op <> 'D' LIMIT 1
    ) p ON true
  ) x
) y
JOIN lienthong.dataset_version v ON v.dataset_id = $1 AND v.version = y.version
JOIN lienthong.changeset c ON c.id = v.changeset_row
WHERE y.bytes_before < $5 ORDER BY y.version DESC
