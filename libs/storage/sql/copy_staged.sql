-- Staged rows in the order of StagedRow (publish.cpp).
COPY {STAGED} (seq, base_version, x1, y1, x2, y2, op, fid, change_hash, content_hash, geom, props, payload) FROM STDIN (FORMAT binary)
