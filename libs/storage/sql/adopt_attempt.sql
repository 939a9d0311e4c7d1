-- Takes over the staging of an attempt and fences out its older stream. $1 attempt_id, $2 organisation, $3 hash of the
-- header, $4 new owner. Columns: epoch, prefix, piece, sequence, changes, running_hash, state.
UPDATE lienthong_staging.attempt SET owner = $4, epoch = epoch + 1, updated_at = clock_timestamp()
WHERE attempt_id = $1 AND organisation = $2 AND header_sha256 = $3
RETURNING epoch, prefix, piece, sequence, changes, running_hash, state
