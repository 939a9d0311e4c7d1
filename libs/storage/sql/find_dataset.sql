-- One dataset with its head, read in one statement. $1 name.
-- Columns: id, uid, name, owner, title, created_at, head, digest, changed_at, feature_count, schema_revision, horizon.
SELECT d.id, d.uid, d.name, o.name, d.title, d.created_at, h.head, h.digest, h.changed_at, h.feature_count, h.schema_revision, h.horizon
FROM lienthong.dataset d JOIN lienthong.dataset_head h ON h.dataset_id = d.id
JOIN lienthong.organisation o ON o.id = d.owner_id
WHERE d.name = $1
