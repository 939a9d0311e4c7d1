-- New state of features that existed, as merge_update. $1 version, then arrays: $2 fid, $3 to $6 box, $7 content_hash, $8 source_hash,
-- $9 geometry as EWKB, $10 properties.
UPDATE lienthong_data.feature_{N} f
SET version = $1, op = 'U', x1 = s.x1, y1 = s.y1, x2 = s.x2, y2 = s.y2, content_hash = s.content_hash,
  source_hash = s.source_hash, geom = s.geom::geometry, props = s.props
FROM unnest($2::text[], $3::float4[], $4::float4[], $5::float4[], $6::float4[], $7::bytea[], $8::bytea[], $9::bytea[],
  $10::jsonb[]) s(fid, x1, y1, x2, y2, content_hash, source_hash, geom, props)
WHERE f.fid = s.fid
