-- The last version committed at or before a time. $1 dataset id int4, $2 timestamptz. Columns: version. No row: none was.
-- Index: dataset_version (dataset_id, committed_at), in which the times of a dataset are strictly increasing.
SELECT version FROM lienthong.dataset_version WHERE dataset_id = $1 AND committed_at <= $2
ORDER BY committed_at DESC LIMIT 1
