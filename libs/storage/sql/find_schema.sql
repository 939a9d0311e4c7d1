-- One schema revision. $1 dataset id int4, $2 revision int4. Column: JSON text.
SELECT body::text FROM lienthong.schema_revision WHERE dataset_id = $1 AND revision = $2
