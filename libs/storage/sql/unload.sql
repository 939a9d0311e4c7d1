-- States that were loaded come back into {STAGED}. Two of one feature with equal content are one state.
UPDATE {STAGED} s SET geom = f.geom, props = f.props, payload = l.payload
FROM {STAGED}_feature f JOIN {STAGED}_log l ON l.fid = f.fid AND l.content_hash = f.content_hash
WHERE s.payload IS NULL AND s.content_hash IS NOT NULL AND f.fid = s.fid AND f.content_hash = s.content_hash;
DROP TABLE {STAGED}_feature, {STAGED}_log;
