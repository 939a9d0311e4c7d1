-- Changes whose states are still to be restored, with the last logged state of that content (null: compacted). $1 seq
-- after which to go on, $2 rows at most, $3 bytes after which to stop. Columns: seq, fid, payload.
SELECT seq, fid, payload FROM (
  SELECT x.*, sum(size) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) - size AS bytes_before
  FROM (
    SELECT s.seq, s.fid, l.payload, coalesce(l.size, 0) AS size
    FROM (
      SELECT seq, fid, content_hash FROM {STAGED}
      WHERE payload IS NULL AND content_hash IS NOT NULL AND seq > $1 ORDER BY seq LIMIT $2
    ) s
    LEFT JOIN LATERAL (
      SELECT o.payload, o.size FROM lienthong_data.log_{N} o
      WHERE o.fid = s.fid AND o.content_hash = s.content_hash ORDER BY o.version DESC LIMIT 1
    ) l ON true
  ) x
) y WHERE bytes_before < $3 ORDER BY seq
