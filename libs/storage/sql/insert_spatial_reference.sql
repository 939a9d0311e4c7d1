-- A system of the EPSG registry, unless it is there by now. $1 code int4, $2 WKT, $3 PROJ.4 text.
INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text) VALUES ($1, 'EPSG', $1, $2, $3)
ON CONFLICT (srid) DO NOTHING
