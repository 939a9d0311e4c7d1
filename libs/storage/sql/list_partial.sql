-- Partial updates with the stored state that they change. $1 fid after which to go on, $2 rows at most, $3 bytes after
-- which to stop, $4 as $1 of prepare_changes. Columns: fid, mask, partial, payload, source_hash as sent, as stored.
SELECT fid, mask, partial, payload, source_hash, stored_source FROM (
  SELECT x.*, sum(size) OVER (ORDER BY fid ROWS UNBOUNDED PRECEDING) - size AS bytes_before
  FROM (
    SELECT s.fid, s.mask, s.partial, l.payload, l.size, s.source_hash, f.source_hash AS stored_source
    FROM {STAGED} s
    JOIN lienthong_data.feature_{N} f ON f.fid = s.fid
    JOIN lienthong_data.log_{N} l ON l.version = f.version AND l.fid = f.fid
    WHERE s.mask IS NOT NULL AND s.kind = ' ' AND s.fid > $1
      AND ($4::int8 IS NULL OR s.fid IN (SELECT r.fid FROM lienthong_data.log_{N} r WHERE r.version > $4::int8))
    ORDER BY s.fid LIMIT $2
  ) x
) y WHERE bytes_before < $3 ORDER BY fid
