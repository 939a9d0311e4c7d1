-- The last version that is older than a time. $1 dataset id int4, $2 milliseconds before now int8. Columns: version. No row: none is.
-- Index: dataset_version (dataset_id, committed_at), in which the times of a dataset are strictly increasing.
SELECT version FROM lienthong.dataset_version
WHERE dataset_id = $1 AND committed_at <= clock_timestamp() - $2 * interval '1 millisecond'
ORDER BY committed_at DESC LIMIT 1
