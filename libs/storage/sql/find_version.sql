-- The receipt of a version. $1 dataset id int4, $2 version. Columns: digest, receipt.
SELECT v.digest, c.receipt FROM lienthong.dataset_version v JOIN lienthong.changeset c ON c.id = v.changeset_row
WHERE v.dataset_id = $1 AND v.version = $2
