-- One log row per effective change, in id order. $1 version.
INSERT INTO lienthong_data.log_{N} (version, prev_version, size, x1, y1, x2, y2, px1, py1, px2, py2, op, prev_op, fid, content_hash, payload)
SELECT $1, e.prev_version, coalesce(octet_length(s.payload), 0), s.x1, s.y1, s.x2, s.y2, e.px1, e.py1, e.px2, e.py2,
  e.op, e.prev_op, e.fid, CASE WHEN e.op <> 'D' THEN s.content_hash END, CASE WHEN e.op <> 'D' THEN s.payload END
FROM {EFFECT} e LEFT JOIN {STAGED} s ON s.fid = e.fid
WHERE e.op IN ('I', 'U', 'D') ORDER BY e.fid
