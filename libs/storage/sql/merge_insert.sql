-- State of features that did not exist. $1 version.
INSERT INTO lienthong_data.feature_{N} (version, op, x1, y1, x2, y2, fid, content_hash, source_hash, geom, props)
SELECT $1, 'I', s.x1, s.y1, s.x2, s.y2, s.fid, s.content_hash, s.source_hash, s.geom, s.props
FROM {EFFECT} e JOIN {STAGED} s ON s.fid = e.fid WHERE e.op = 'I' ORDER BY s.fid
