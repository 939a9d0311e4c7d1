-- What is set aside now takes the place of what waits of the same feature. $1 dataset id int4, $2 time, $3 note.
UPDATE lienthong.quarantine q SET state = 'S', decided_at = $2, note = $3
FROM {STAGED} s
WHERE q.dataset_id = $1 AND q.state = 'H' AND q.fid = s.fid AND s.kind IN ('Q', 'R')
