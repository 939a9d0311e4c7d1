-- Removes deleted features and leaves tombstones. $1 version.
WITH d AS (
  DELETE FROM lienthong_data.feature_{N} f USING {EFFECT} e WHERE e.op = 'D' AND f.fid = e.fid RETURNING f.fid
)
INSERT INTO lienthong_data.gone_{N} (fid, version) SELECT fid, $1 FROM d
