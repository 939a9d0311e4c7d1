-- What features have as their content now. $1 fids. Columns: fid, content_hash. Index: primary key.
SELECT fid, content_hash FROM lienthong_data.feature_{N} WHERE fid = ANY($1)
