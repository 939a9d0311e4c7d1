-- Which changes were followed by another of the same feature, in order: $1 last version, $2 version and $3 fid after which to go
-- on, $4 rows at most. Columns: version, fid. The successor names the change that it replaced, and the index holds both names:
-- where pages are all visible the table itself is not read.
SELECT prev_version AS version, fid FROM lienthong_data.log_{N}
WHERE version > $2 AND version <= $1 AND (prev_version, fid) > ($2, $3)
ORDER BY prev_version, fid LIMIT $4
