-- Gives the changes of a page their states with the stored geometry.
UPDATE {STAGED} s SET content_hash = r.content_hash, geom = r.geom, props = r.props, payload = r.payload,
  x1 = r.x1, y1 = r.y1, x2 = r.x2, y2 = r.y2
FROM lt_filled r WHERE s.fid = r.fid AND s.kind IN (' ', 'O')
