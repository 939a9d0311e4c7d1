-- How far compaction is. $1 dataset id int4. Columns: head, horizon, compacted = up to where rows have been removed.
SELECT h.head, h.horizon, coalesce(c.compacted, 0)
FROM lienthong.dataset_head h LEFT JOIN lienthong.compaction c ON c.dataset_id = h.dataset_id
WHERE h.dataset_id = $1
