-- An accepted state, or equal content, takes the place of what waits. $1 dataset id int4, $2 time, $3 note.
UPDATE lienthong.quarantine q SET state = 'S', decided_at = $2, note = $3
FROM {EFFECT} e
WHERE q.dataset_id = $1 AND q.state = 'H' AND q.fid = e.fid AND e.op IN ('I', 'U', 'D', '=')
