  AND NOT EXISTS (SELECT 1 FROM {STAGED}_same n WHERE n.fid = f.fid)
