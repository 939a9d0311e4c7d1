-- The last change of one feature up to a version. $1 fid, $2 version. Columns: horizon, version, op, payload; the version is null
-- when there is none.
SELECT h.horizon, l.version, l.op, l.payload
FROM lienthong.dataset_head h
LEFT JOIN LATERAL (
  SELECT n.version, n.op, n.payload FROM lienthong_data.log_{N} n WHERE n.fid = $1 AND n.version <= $2 ORDER BY n.version DESC LIMIT 1
) l ON true
WHERE h.dataset_id = {N}
