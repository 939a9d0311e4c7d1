-- Staged rows in the order of StagedChangeset::add() (staging.cpp).
COPY {STAGED} (seq, base_version, x1, y1, x2, y2, op, fid, change_hash, kind, source_hash, content_hash, geom, props, payload, mask, partial, findings) FROM STDIN (FORMAT binary)
