-- One batch of compaction to the horizon: $1 horizon, $2 version and $3 fid after which to go on, $4 rows at most.
-- Looks at the next changes up to the horizon by (version, fid), and removes what the last of them of each feature superseded,
-- and that one too if it is a delete. Older states go before or together with the delete that ended them, so that no moment shows
-- a deleted feature as existing. Columns: rows looked at, rows removed, last version and fid looked at.
-- OFFSET 0 keeps the lateral subquery an index probe for each feature in every plan.
WITH batch AS MATERIALIZED (
  SELECT version, fid, op FROM lienthong_data.log_{N}
  WHERE (version, fid) > ($2, $3) AND version <= $1 ORDER BY version, fid LIMIT $4
), removed AS (
  DELETE FROM lienthong_data.log_{N} WHERE ctid = ANY (ARRAY(
    SELECT o.row_id
    FROM (SELECT DISTINCT ON (fid) fid, version, op FROM batch ORDER BY fid, version DESC) b
    CROSS JOIN LATERAL (
      SELECT l.ctid AS row_id FROM lienthong_data.log_{N} l
      WHERE l.fid = b.fid AND l.version <= b.version AND (l.version < b.version OR b.op = 'D') OFFSET 0
    ) o
  )) RETURNING 1
)
SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM removed), last.version, last.fid
FROM (VALUES (1)) one LEFT JOIN (SELECT version, fid FROM batch ORDER BY version DESC, fid DESC LIMIT 1) last ON true
