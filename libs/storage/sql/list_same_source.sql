-- Whole states whose geometry is of the source that the stored one is of, while their contents differ: another release of
-- PROJ may have computed other last bits. $1 fid after which to go on, $2 rows at most, $3 bytes after which to stop, $4 as
-- $1 of prepare_changes. Columns: fid, payload as sent, payload as stored, source_hash.
SELECT fid, payload, stored, source_hash FROM (
  SELECT x.*, sum(size) OVER (ORDER BY fid ROWS UNBOUNDED PRECEDING) - size AS bytes_before
  FROM (
    SELECT s.fid, s.payload, l.payload AS stored, s.source_hash, l.size + octet_length(s.payload) AS size
    FROM {STAGED} s
    JOIN lienthong_data.feature_{N} f
      ON f.fid = s.fid AND f.source_hash = s.source_hash AND f.content_hash <> s.content_hash
    JOIN lienthong_data.log_{N} l ON l.version = f.version AND l.fid = f.fid
    WHERE s.mask IS NULL AND s.payload IS NOT NULL AND s.kind IN (' ', 'O') AND s.fid > $1
      AND ($4::int8 IS NULL OR s.fid IN (SELECT r.fid FROM lienthong_data.log_{N} r WHERE r.version > $4::int8))
    ORDER BY s.fid LIMIT $2
  ) x
) y WHERE bytes_before < $3 ORDER BY fid
