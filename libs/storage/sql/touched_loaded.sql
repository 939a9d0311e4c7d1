-- As touched_rows, of a first version that is built already.
SELECT ctid::text, x1, y1, x2, y2, NULL::float4, NULL::float4, NULL::float4, NULL::float4, 0::bigint, fid FROM {STAGED}_log
