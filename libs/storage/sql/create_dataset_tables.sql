-- Makes feature_N, log_N and gone_N. $1 dataset id int4.
SELECT lienthong.create_dataset_tables($1)
