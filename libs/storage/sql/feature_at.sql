-- The last change of one feature up to a version. $1 fid, $2 version. Columns: version, op, payload.
SELECT version, op, payload FROM lienthong_data.log_{N} WHERE fid = $1 AND version <= $2 ORDER BY version DESC LIMIT 1
