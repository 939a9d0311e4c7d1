-- What stands more than once in a compared snapshot goes among the ordinary changes; its state is still to be restored.
WITH r AS (
  SELECT fid FROM (SELECT fid FROM {STAGED} UNION ALL SELECT fid FROM {STAGED}_same) x GROUP BY fid HAVING count(*) > 1
), n AS (
  DELETE FROM {STAGED}_same n USING r WHERE n.fid = r.fid RETURNING n.seq, n.fid, n.change_hash, n.source_hash, n.content_hash
)
INSERT INTO {STAGED} (seq, op, kind, fid, change_hash, source_hash, content_hash)
SELECT seq, 'P', ' ', fid, change_hash, source_hash, content_hash FROM n
