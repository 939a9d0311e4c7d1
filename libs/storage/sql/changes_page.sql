-- One page of every change: $1 last version, $2 version and $3 fid after which to go on, $4 rows at most, $5 bytes after which
-- to stop. Columns: horizon, version, fid, op, payload. An empty page has one row with a null fid, as in diff_page.
SELECT h.horizon, y.version, y.fid, y.op, y.payload
FROM lienthong.dataset_head h
LEFT JOIN (
  SELECT l.*, sum(size) OVER (ORDER BY version, fid ROWS UNBOUNDED PRECEDING) - size AS bytes_before
  FROM (
    SELECT version, fid, op, size, payload FROM lienthong_data.log_{N}
    WHERE (version, fid) > ($2, $3) AND version <= $1 ORDER BY version, fid LIMIT $4
  ) l
) y ON y.bytes_before < $5
WHERE h.dataset_id = {N} ORDER BY y.version, y.fid
