-- New state of features that existed. $1 version.
UPDATE lienthong_data.feature_{N} f
SET version = $1, op = 'U', x1 = s.x1, y1 = s.y1, x2 = s.x2, y2 = s.y2, content_hash = s.content_hash,
  source_hash = s.source_hash, geom = s.geom, props = s.props
FROM {EFFECT} e JOIN {STAGED} s ON s.fid = e.fid
WHERE e.op = 'U' AND f.fid = e.fid
