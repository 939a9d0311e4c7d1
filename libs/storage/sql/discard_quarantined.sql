-- Gives quarantined changes up. $1 dataset id int4, $2 ids, $3 organisation, $4 note.
UPDATE lienthong.quarantine SET state = 'D', decided_at = clock_timestamp(), decided_by = $3, note = $4
WHERE dataset_id = $1 AND id = ANY($2) AND state = 'H'
