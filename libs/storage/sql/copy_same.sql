-- In the order of Candidates::compare() (detail/comparison.cpp).
COPY {STAGED}_same (seq, fid, change_hash, source_hash, content_hash) FROM STDIN (FORMAT binary)
