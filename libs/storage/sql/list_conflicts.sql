-- Conflicts with who made the state found. $1 dataset id int4, $2 limit. Columns: fid, op, base_version, prev_version,
-- organisation, committed_at.
SELECT e.fid, e.op, e.base_version, e.prev_version, o.name, v.committed_at
FROM {EFFECT} e
LEFT JOIN lienthong.dataset_version v ON v.dataset_id = $1 AND v.version = e.prev_version
LEFT JOIN lienthong.changeset c ON c.id = v.changeset_row
LEFT JOIN lienthong.organisation o ON o.id = c.organisation_id
WHERE e.op IN ('E', 'M', 'V', 'O') ORDER BY e.fid LIMIT $2
