-- Notes that rows have been removed up to a version. $1 dataset id int4, $2 version.
INSERT INTO lienthong.compaction AS c (dataset_id, compacted) VALUES ($1, $2)
ON CONFLICT (dataset_id) DO UPDATE SET compacted = excluded.compacted WHERE c.compacted < excluded.compacted
