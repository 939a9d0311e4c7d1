-- The effect of each staged change against stored state. $1 head that was prepared against before: only features that
-- changed after it are looked at (null: all). $2 base_version of the header (null: none).
-- What is outside the scope of a snapshot, as sent, must at least be stored inside: I becomes O, U becomes u (undecided).
INSERT INTO {EFFECT} (prev_version, base_version, px1, py1, px2, py2, op, prev_op, fid)
SELECT coalesce(f.version, g.version, 0), coalesce(s.base_version, $2::int8), f.x1, f.y1, f.x2, f.y2,
  CASE
    WHEN s.op = 'D' AND f.fid IS NULL THEN '='
    WHEN s.op <> 'D' AND f.content_hash = s.content_hash THEN '='
    WHEN coalesce(s.base_version, $2::int8) = 0 AND f.fid IS NOT NULL THEN 'V'
    WHEN coalesce(s.base_version, $2::int8) > 0
      AND coalesce(f.version, g.version, 0) > coalesce(s.base_version, $2::int8) THEN 'V'
    WHEN s.op = 'I' AND f.fid IS NOT NULL THEN 'E'
    WHEN s.op = 'U' AND f.fid IS NULL THEN 'M'
    WHEN s.op = 'D' THEN 'D'
    WHEN f.fid IS NULL THEN CASE WHEN s.kind = 'O' THEN 'O' ELSE 'I' END
    ELSE CASE WHEN s.kind = 'O' THEN 'u' ELSE 'U' END
  END::"char",
  coalesce(f.op, CASE WHEN g.fid IS NOT NULL THEN 'D'::"char" END), s.fid
FROM {STAGED} s
LEFT JOIN lienthong_data.feature_{N} f ON f.fid = s.fid
LEFT JOIN lienthong_data.gone_{N} g ON g.fid = s.fid
WHERE s.kind IN (' ', 'O')
  AND ($1::int8 IS NULL OR s.fid IN (SELECT l.fid FROM lienthong_data.log_{N} l WHERE l.version > $1::int8))
