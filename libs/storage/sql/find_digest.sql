-- Digest of the receipt of a version. $1 dataset id int4, $2 version. Columns: digest.
SELECT digest FROM lienthong.dataset_version WHERE dataset_id = $1 AND version = $2
