-- Registers the staging of an attempt. $1 attempt_id, $2 organisation, $3 hash of the header, $4 owner, $5 prefix.
INSERT INTO lienthong_staging.attempt (attempt_id, organisation, header_sha256, owner, prefix) VALUES ($1, $2, $3, $4, $5)
