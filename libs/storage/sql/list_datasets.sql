-- Datasets after a name. $1 name, $2 limit int8. Columns as find_dataset.
SELECT d.id, d.uid, d.name, o.name, d.title, d.created_at, h.head, h.digest, h.changed_at, h.feature_count, h.schema_revision, h.horizon
FROM lienthong.dataset d JOIN lienthong.dataset_head h ON h.dataset_id = d.id
JOIN lienthong.organisation o ON o.id = d.owner_id
WHERE d.name > $1 ORDER BY d.name LIMIT $2
