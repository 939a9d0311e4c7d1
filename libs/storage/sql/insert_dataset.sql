-- Creates a dataset with its head, its first schema revision and its tables. $1 uid, $2 name, $3 owner id int4, $4 title,
-- $5 schema as JSON text. Column: id; no row when the name is taken.
WITH d AS (
  INSERT INTO lienthong.dataset (uid, name, owner_id, title) VALUES ($1, $2, $3, $4)
  ON CONFLICT (name) DO NOTHING RETURNING id
), h AS (INSERT INTO lienthong.dataset_head (dataset_id) SELECT id FROM d),
s AS (INSERT INTO lienthong.schema_revision (dataset_id, revision, body) SELECT id, 1, $5::text::jsonb FROM d)
SELECT id FROM d
