-- The bytes of one version of a polygon. $1 area id int4, $2 version. Column: wkb.
SELECT wkb FROM lienthong.area_polygon WHERE area_id = $1 AND version = $2
