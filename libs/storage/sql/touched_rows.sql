-- Where the changes of a publish transaction are: place of the staged row, box after, box before, prev_version, fid.
SELECT s.ctid::text, s.x1, s.y1, s.x2, s.y2, e.px1, e.py1, e.px2, e.py2, e.prev_version, e.fid
FROM {EFFECT} e LEFT JOIN {STAGED} s ON s.fid = e.fid AND e.op <> 'D' WHERE e.op IN ('I', 'U', 'D')
