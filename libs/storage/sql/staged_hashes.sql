-- Hash of every staged change in the order of the content hash. Columns: fid, seq, change_hash.
COPY (SELECT fid, seq, change_hash FROM {STAGED} ORDER BY fid, seq) TO STDOUT (FORMAT binary)
