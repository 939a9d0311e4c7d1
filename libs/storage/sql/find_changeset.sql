-- An accepted changeset by its publisher's id. $1 organisation name, $2 changeset_id. Columns: content_sha256, receipt.
SELECT c.content_sha256, c.receipt FROM lienthong.changeset c
JOIN lienthong.organisation o ON o.id = c.organisation_id
WHERE o.name = $1 AND c.changeset_id = $2
