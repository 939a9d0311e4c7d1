-- One page of every change: $1 last version, $2 version and $3 fid after which to go on, $4 rows at most, $5 bytes after which
-- to stop. Columns: version, fid, op, payload.
SELECT version, fid, op, payload FROM (
  SELECT l.*, sum(size) OVER (ORDER BY version, fid ROWS UNBOUNDED PRECEDING) - size AS bytes_before
  FROM (
    SELECT version, fid, op, size, payload FROM lienthong_data.log_{N}
    WHERE (version, fid) > ($2, $3) AND version <= $1 ORDER BY version, fid LIMIT $4
  ) l
) y
WHERE bytes_before < $5 ORDER BY version, fid
