-- What was as stored at version $1, and was changed since, goes among the ordinary changes; its state is still to be
-- restored. Where the history since $1 is compacted, the present contents tell.
WITH n AS (
  DELETE FROM {STAGED}_same n USING (
    SELECT l.fid FROM lienthong_data.log_{N} l
    WHERE l.version > $1 AND (SELECT h.horizon FROM lienthong.dataset_head h WHERE h.dataset_id = {N}) <= $1
    UNION
    SELECT m.fid FROM {STAGED}_same m
    WHERE (SELECT h.horizon FROM lienthong.dataset_head h WHERE h.dataset_id = {N}) > $1
      AND NOT EXISTS (
        SELECT 1 FROM lienthong_data.feature_{N} f WHERE f.fid = m.fid AND f.content_hash = m.content_hash)
  ) c
  WHERE n.fid = c.fid RETURNING n.seq, n.fid, n.change_hash, n.source_hash, n.content_hash
)
INSERT INTO {STAGED} (seq, op, kind, fid, change_hash, source_hash, content_hash)
SELECT seq, 'P', ' ', fid, change_hash, source_hash, content_hash FROM n
