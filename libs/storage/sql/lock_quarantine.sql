-- Holds back every publish of a dataset, which is where quarantined changes are decided too. $1 dataset id int4.
SELECT dataset_id FROM lienthong.dataset_head WHERE dataset_id = $1 FOR UPDATE
