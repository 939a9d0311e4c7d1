-- A snapshot deletes what it does not contain. $1 as in prepare_changes.
INSERT INTO lt_effect (prev_version, px1, py1, px2, py2, op, prev_op, fid)
SELECT f.version, f.x1, f.y1, f.x2, f.y2, 'D'::"char", f.op, f.fid
FROM lienthong_data.feature_{N} f
WHERE NOT EXISTS (SELECT 1 FROM {STAGED} s WHERE s.fid = f.fid)
  AND ($1::int8 IS NULL OR f.fid IN (SELECT l.fid FROM lienthong_data.log_{N} l WHERE l.version > $1::int8))
