-- The version that a changeset made. $1 dataset id int4, $2 version, $3 changeset row, $4 digest, $5 committed_at.
INSERT INTO lienthong.dataset_version (dataset_id, version, changeset_row, digest, committed_at) VALUES ($1, $2, $3, $4, $5)
