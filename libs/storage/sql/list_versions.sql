-- Receipts of versions before one, newest first. $1 dataset id int4, $2 version (exclusive), $3 limit. Columns: version, receipt.
SELECT v.version, c.receipt FROM lienthong.dataset_version v JOIN lienthong.changeset c ON c.id = v.changeset_row
WHERE v.dataset_id = $1 AND v.version < $2 ORDER BY v.version DESC LIMIT $3
