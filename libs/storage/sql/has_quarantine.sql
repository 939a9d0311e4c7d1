-- Whether anything waits in the quarantine of a dataset. $1 dataset id int4. Column: bool.
SELECT EXISTS (SELECT 1 FROM lienthong.quarantine WHERE dataset_id = $1 AND state = 'H')
