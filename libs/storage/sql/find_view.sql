-- A view by its revision. $1 revision, $2 dataset id int4. Column: body.
SELECT body FROM lienthong.view_revision WHERE revision = $1 AND dataset_id = $2
