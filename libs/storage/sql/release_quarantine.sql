-- Marks what this changeset publishes. $1 ids, $2 dataset id int4, $3 time, $4 organisation, $5 note.
UPDATE lienthong.quarantine SET state = 'R', decided_at = $3, decided_by = $4, note = $5
WHERE id = ANY($1::int8[]) AND dataset_id = $2 AND state = 'H'
