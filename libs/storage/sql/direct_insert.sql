-- State of features that did not exist, as merge_insert and merge_return. Parameters as direct_update. Affected: features inserted.
WITH g AS (DELETE FROM lienthong_data.gone_{N} WHERE fid = ANY ($2::text[]))
INSERT INTO lienthong_data.feature_{N} (version, op, x1, y1, x2, y2, fid, content_hash, source_hash, geom, props)
SELECT $1, 'I', s.x1, s.y1, s.x2, s.y2, s.fid, s.content_hash, s.source_hash, s.geom::geometry, s.props
FROM unnest($2::text[], $3::float4[], $4::float4[], $5::float4[], $6::float4[], $7::bytea[], $8::bytea[], $9::bytea[],
  $10::jsonb[]) s(fid, x1, y1, x2, y2, content_hash, source_hash, geom, props)
