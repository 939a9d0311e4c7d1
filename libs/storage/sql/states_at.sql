-- What features were: $1 fids text[], $2 at which version each int8[], $3 bool also the payload, $4 bytes of payload after which
-- to stop, $5 to $8 a box (null: everywhere): a payload comes only of what touches it. Columns: horizon, existed, content_hash,
-- payload, box (four, null without geometry); in the order of the fids, all of them or fewer by $4, at least one. The
-- correlated subquery with LIMIT is one index probe for each id in every plan.
SELECT (SELECT horizon FROM lienthong.dataset_head WHERE dataset_id = {N}) AS horizon, y.existed, y.content_hash, y.payload,
  y.x1, y.y1, y.x2, y.y2
FROM (
  SELECT u.place, coalesce(s.op <> 'D', false) AS existed, s.content_hash, s.payload, s.x1, s.y1, s.x2, s.y2,
    sum(coalesce(s.size, 0)) OVER (ORDER BY u.place ROWS UNBOUNDED PRECEDING) - coalesce(s.size, 0) AS bytes_before
  FROM unnest($1::text[], $2::int8[]) WITH ORDINALITY AS u (fid, version, place)
  LEFT JOIN LATERAL (
    SELECT n.op, n.content_hash, n.x1, n.y1, n.x2, n.y2,
      CASE WHEN $3 AND n.near THEN n.payload END AS payload, CASE WHEN $3 AND n.near THEN n.size ELSE 0 END AS size
    FROM (
      SELECT l.*, coalesce(l.x1 <= $7 AND l.x2 >= $5 AND l.y1 <= $8 AND l.y2 >= $6, $5 IS NULL) AS near
      FROM lienthong_data.log_{N} l
      WHERE l.fid = u.fid AND l.version <= u.version ORDER BY l.version DESC LIMIT 1
    ) n
  ) s ON true
) y WHERE y.bytes_before < $4
ORDER BY y.place
