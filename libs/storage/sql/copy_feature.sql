-- States of a first version, in the order of add_loaded() (staged_row.cpp).
COPY {STAGED}_feature (version, op, x1, y1, x2, y2, fid, content_hash, source_hash, geom, props) FROM STDIN (FORMAT binary)
