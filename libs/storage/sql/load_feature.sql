-- States of a first version that were staged before it was known to be one, unless that is done
-- (then the table is indexed).
INSERT INTO {STAGED}_feature (version, op, x1, y1, x2, y2, fid, content_hash, source_hash, geom, props)
SELECT 1, 'I', x1, y1, x2, y2, fid, content_hash, source_hash, geom, props FROM {STAGED}
WHERE payload IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = '{STAGED}_feature'::regclass)
