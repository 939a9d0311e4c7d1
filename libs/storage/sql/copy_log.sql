-- Log rows of a first version, in the order of add_loaded() (staged_row.cpp).
COPY {STAGED}_log (version, prev_version, size, x1, y1, x2, y2, op, fid, content_hash, payload) FROM STDIN (FORMAT binary)
