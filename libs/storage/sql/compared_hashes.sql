-- As staged_hashes, of a compared snapshot.
COPY (
  SELECT fid, seq, change_hash FROM {STAGED} UNION ALL SELECT fid, seq, change_hash FROM {STAGED}_same ORDER BY fid, seq
) TO STDOUT (FORMAT binary)
