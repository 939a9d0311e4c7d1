-- One page of every change: $1 last version, $2 version and $3 fid after which to go on, $4 rows at most, $5 bytes of payload
-- after which to stop. Columns: horizon, version, fid, op, payload, prev_version, content_hash. The horizon is of the same moment
-- as the rows; an empty page has none. How many rows fit is told by the index alone, so that no payload is read in vain.
SELECT (SELECT horizon FROM lienthong.dataset_head WHERE dataset_id = {N}) AS horizon,
  r.version, r.fid, r.op, r.payload, r.prev_version, r.content_hash
FROM (
  SELECT version, fid, op, payload, prev_version, content_hash FROM lienthong_data.log_{N}
  WHERE (version, fid) > ($2, $3) AND version <= $1 ORDER BY version, fid LIMIT $4
) r
ORDER BY r.version, r.fid
LIMIT (
  SELECT count(*) FROM (
    SELECT sum(size) OVER (ORDER BY version, fid ROWS UNBOUNDED PRECEDING) - size AS bytes_before FROM (
      SELECT version, fid, size FROM lienthong_data.log_{N}
      WHERE (version, fid) > ($2, $3) AND version <= $1 ORDER BY version, fid LIMIT $4
    ) k
  ) s WHERE s.bytes_before < $5
)
