-- As supersede_accepted, for what is as stored.
UPDATE lienthong.quarantine q SET state = 'S', decided_at = $2, note = $3
FROM {STAGED}_same n
WHERE q.dataset_id = $1 AND q.state = 'H' AND q.fid = n.fid
