-- The head, without a lock. $1 dataset id int4. Column: head.
SELECT head FROM lienthong.dataset_head WHERE dataset_id = $1
