-- One log row per effective change, as merge_log. $1 version, then arrays in id order: $2 prev_version, $3 to $6 box, $7 to $10 box
-- before, $11 op, $12 prev_op, $13 fid, $14 content_hash, $15 payload.
INSERT INTO lienthong_data.log_{N} (version, prev_version, size, x1, y1, x2, y2, px1, py1, px2, py2, op, prev_op, fid, content_hash, payload)
SELECT $1, s.prev_version, coalesce(octet_length(s.payload), 0), s.x1, s.y1, s.x2, s.y2, s.px1, s.py1, s.px2, s.py2,
  s.op, s.prev_op, s.fid, s.content_hash, s.payload
FROM unnest($2::int8[], $3::float4[], $4::float4[], $5::float4[], $6::float4[], $7::float4[], $8::float4[], $9::float4[],
  $10::float4[], $11::"char"[], $12::"char"[], $13::text[], $14::bytea[], $15::bytea[])
  s(prev_version, x1, y1, x2, y2, px1, py1, px2, py2, op, prev_op, fid, content_hash, payload)
