-- Keeps a view; no effect when it is there. $1 revision, $2 dataset id int4, $3 body.
INSERT INTO lienthong.view_revision (revision, dataset_id, body) VALUES ($1, $2, $3) ON CONFLICT (revision) DO NOTHING
