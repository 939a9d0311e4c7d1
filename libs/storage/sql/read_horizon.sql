-- The horizon of a dataset. Columns: horizon.
SELECT horizon FROM lienthong.dataset_head WHERE dataset_id = {N}
