-- Removes deleted features and leaves tombstones, as merge_delete. $1 version, $2 fids. Affected: features deleted.
WITH d AS (DELETE FROM lienthong_data.feature_{N} WHERE fid = ANY ($2::text[]) RETURNING fid)
INSERT INTO lienthong_data.gone_{N} (fid, version) SELECT fid, $1 FROM d
