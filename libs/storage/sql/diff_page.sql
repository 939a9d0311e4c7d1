-- One page of the net change in (a, b]: $1 a, $2 b, $3 version and $4 fid after which to go on, $5 rows at most,
-- $6 bytes after which to stop, $7 bool also the state before.
-- Columns: horizon, version, fid, op, payload, existed, same, before_payload. An empty page has one row with a null fid, so that
-- the horizon is always of the same moment as the rows. Superseded rows come with a null `existed`: they only move the
-- position. `existed`: at a; `same`: equal content at a and b. Correlated subqueries with LIMIT are index probes in every plan;
-- OFFSET 0 keeps `later` from being computed once for each place that uses it.
SELECT h.horizon, y.version, y.fid, y.op, y.payload, y.existed, y.same, y.before_payload
FROM lienthong.dataset_head h
LEFT JOIN (
  SELECT x.*, sum(bytes) OVER (ORDER BY version, fid ROWS UNBOUNDED PRECEDING) - bytes AS bytes_before
  FROM (
    SELECT l.version, l.fid, l.op,
      CASE WHEN l.later IS NULL THEN l.payload END AS payload,
      CASE WHEN l.later IS NOT NULL THEN NULL WHEN l.prev_version <= $1 THEN l.op <> 'I' ELSE coalesce(s.op <> 'D', false) END AS existed,
      coalesce(s.content_hash = l.content_hash, false) AS same,
      CASE WHEN $7 THEN s.payload END AS before_payload,
      CASE WHEN l.later IS NULL THEN l.size ELSE 0 END + CASE WHEN $7 THEN coalesce(s.size, 0) ELSE 0 END AS bytes
    FROM (
      SELECT r.*, (SELECT n.version FROM lienthong_data.log_{N} n
                   WHERE n.fid = r.fid AND n.version > r.version AND n.version <= $2 ORDER BY n.version DESC LIMIT 1) AS later
      FROM (
        SELECT version, fid, op, prev_version, size, content_hash, payload FROM lienthong_data.log_{N}
        WHERE (version, fid) > ($3, $4) AND version <= $2 ORDER BY version, fid LIMIT $5
      ) r OFFSET 0
    ) l
    LEFT JOIN LATERAL (
      SELECT n.op, n.content_hash, n.size, n.payload FROM lienthong_data.log_{N} n
      WHERE n.fid = l.fid AND n.version <= $1 AND l.later IS NULL AND (l.prev_version > $1 OR $7)
      ORDER BY n.version DESC LIMIT 1
    ) s ON true
  ) x
) y ON y.bytes_before < $6
WHERE h.dataset_id = {N} ORDER BY y.version, y.fid
