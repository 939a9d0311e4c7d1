-- Of each feature only the last change stays.
DELETE FROM {STAGED} s USING {STAGED} t WHERE t.fid = s.fid AND t.seq > s.seq
