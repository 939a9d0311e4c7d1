-- Effects that depend on where the stored state is, with that state. $1 fid after which to go on, $2 rows at most,
-- $3 bytes after which to stop. Columns: fid, payload.
SELECT fid, payload FROM (
  SELECT e.fid, l.payload, sum(l.size) OVER (ORDER BY e.fid ROWS UNBOUNDED PRECEDING) - l.size AS bytes_before
  FROM (SELECT fid, prev_version FROM {EFFECT} WHERE op IN ('d', 'u') AND fid > $1 ORDER BY fid LIMIT $2) e
  JOIN lienthong_data.log_{N} l ON l.version = e.prev_version AND l.fid = e.fid
) x WHERE bytes_before < $3 ORDER BY fid
