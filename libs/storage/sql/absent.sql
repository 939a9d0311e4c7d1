-- Effects of what a snapshot does not contain: it is deleted. $1 as in prepare_changes, $2 base_version of the header (null:
-- none): what changed after it is a conflict. $3 to $6 box of the scope: x1, y1, x2, y2 (null: no area). $7 whether what is
-- found is undecided. Columns: as insert_absent and insert_found_absent have them. absent_same may follow; then the bracket
-- is to be closed, and a filter may be set on f.
SELECT f.version, $2::int8, f.x1, f.y1, f.x2, f.y2,
  CASE WHEN $7::boolean THEN 'd' WHEN f.version > $2::int8 THEN 'V' ELSE 'D' END::"char", f.op, f.fid
FROM (SELECT f.* FROM lienthong_data.feature_{N} f
WHERE NOT EXISTS (SELECT 1 FROM {STAGED} s WHERE s.fid = f.fid)
  AND ($1::int8 IS NULL OR f.fid IN (SELECT l.fid FROM lienthong_data.log_{N} l WHERE l.version > $1::int8))
  AND ($3::float4 IS NULL OR (f.x1 <= $5::float4 AND f.x2 >= $3::float4 AND f.y1 <= $6::float4 AND f.y2 >= $4::float4))
