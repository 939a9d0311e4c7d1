-- Records an accepted changeset. $1 organisation name, $2 changeset_id, $3 content hash bytea, $4 committed_at, $5 receipt.
-- Column: id; no row when the id is taken.
INSERT INTO lienthong.changeset (organisation_id, changeset_id, content_sha256, committed_at, receipt)
SELECT o.id, $2, $3, $4, $5 FROM lienthong.organisation o WHERE o.name = $1
ON CONFLICT (organisation_id, changeset_id) DO NOTHING RETURNING id
