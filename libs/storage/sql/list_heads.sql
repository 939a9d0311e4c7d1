-- All datasets with their heads, read in one statement: those of one commit are there together or not at all.
-- Columns: as find_dataset. By id.
SELECT d.id, d.uid, d.name, o.name, d.title, d.created_at, h.head, h.digest, h.changed_at, h.feature_count, h.schema_revision,
  h.horizon
FROM lienthong.dataset d JOIN lienthong.dataset_head h ON h.dataset_id = d.id
JOIN lienthong.organisation o ON o.id = d.owner_id
ORDER BY d.id
