-- Which codes PostGIS does not know. $1 codes. Column: srid int8.
SELECT u.srid FROM unnest($1::int8[]) u(srid)
WHERE NOT EXISTS (SELECT 1 FROM spatial_ref_sys s WHERE s.srid = u.srid) ORDER BY u.srid
