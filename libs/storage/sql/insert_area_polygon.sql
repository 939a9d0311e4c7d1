-- The next version of a unit's polygon, and the unit's word for it. $1 area id int4, $2 version, $3 epsg int4, $4 sha256,
-- $5 wkb, $6 organisation.
WITH p AS (
  INSERT INTO lienthong.area_polygon (area_id, version, epsg, sha256, wkb, organisation_id)
  SELECT $1, $2, $3, $4, $5, id FROM lienthong.organisation WHERE name = $6 RETURNING area_id, version
)
UPDATE lienthong.area a SET version = p.version FROM p WHERE a.id = p.area_id
