-- What features were at a version: $1 fids text[], $2 version, $3 bool also the payload, $4 bytes of payload after which to stop.
-- Columns: horizon, existed, content_hash, payload; in the order of the fids, all of them or fewer by $4, at least one. The
-- correlated subquery with LIMIT is one index probe for each id in every plan.
SELECT (SELECT horizon FROM lienthong.dataset_head WHERE dataset_id = {N}) AS horizon, y.existed, y.content_hash, y.payload
FROM (
  SELECT u.place, coalesce(s.op <> 'D', false) AS existed, s.content_hash, s.payload,
    sum(coalesce(s.size, 0)) OVER (ORDER BY u.place ROWS UNBOUNDED PRECEDING) - coalesce(s.size, 0) AS bytes_before
  FROM unnest($1) WITH ORDINALITY AS u (fid, place)
  LEFT JOIN LATERAL (
    SELECT n.op, n.content_hash, CASE WHEN $3 THEN n.payload END AS payload, CASE WHEN $3 THEN n.size ELSE 0 END AS size
    FROM lienthong_data.log_{N} n
    WHERE n.fid = u.fid AND n.version <= $2 ORDER BY n.version DESC LIMIT 1
  ) s ON true
) y WHERE y.bytes_before < $4
ORDER BY y.place
