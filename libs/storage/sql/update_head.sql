-- Moves the head. $1 dataset id int4, $2 version, $3 digest, $4 changed_at, $5 change of the feature count.
UPDATE lienthong.dataset_head SET head = $2, digest = $3, changed_at = $4, feature_count = feature_count + $5
WHERE dataset_id = $1 AND head = $2 - 1
