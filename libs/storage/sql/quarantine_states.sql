-- States of quarantined changes. $1 dataset id int4, $2 ids. Columns: id, state, decided_by. Index: primary key.
SELECT id, state, decided_by FROM lienthong.quarantine WHERE dataset_id = $1 AND id = ANY($2) ORDER BY id
