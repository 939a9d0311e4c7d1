-- One page of the state at a version: $1 version, $2 fid after which to go on, $3 rows at most, $4 bytes after which to stop.
-- Columns: version, fid, op, payload. Rows with op D are features that do not exist at that version: they only move the position.
SELECT version, fid, op, payload FROM (
  SELECT l.*, sum(size) OVER (ORDER BY fid ROWS UNBOUNDED PRECEDING) - size AS bytes_before
  FROM (
    SELECT DISTINCT ON (fid) version, fid, op, size, payload FROM lienthong_data.log_{N}
    WHERE fid > $2 AND version <= $1 ORDER BY fid, version DESC LIMIT $3
  ) l
) y
WHERE bytes_before < $4 ORDER BY fid
