-- Locks the dataset's row: from here to the commit this transaction gives the next version. $1 dataset id int4.
-- Columns: head, digest, changed_at, feature_count, schema_revision, horizon.
SELECT head, digest, changed_at, feature_count, schema_revision, horizon
FROM lienthong.dataset_head WHERE dataset_id = $1 FOR UPDATE
