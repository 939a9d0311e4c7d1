-- Log rows of a first version whose states were staged before it was known to be one, unless that is done
-- (then the table is indexed).
INSERT INTO {STAGED}_log (version, prev_version, size, x1, y1, x2, y2, op, fid, content_hash, payload)
SELECT 1, 0, octet_length(payload), x1, y1, x2, y2, 'I', fid, content_hash, payload FROM {STAGED}
WHERE payload IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = '{STAGED}_log'::regclass)
