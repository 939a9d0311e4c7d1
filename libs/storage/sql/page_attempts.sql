-- Attempts, newest first (their ids are ordered by time). $1 organisation name, $2 dataset, $3 changeset_id, $4 outcome
-- text; '' = any. $5 attempt_id that the page ends before ('' = none), $6 limit. Columns: attempt_id, organisation,
-- changeset_id, dataset, outcome, commit_id, reason, error_message, started_at, ended_at, received, counts, findings,
-- conflicts. Index: primary key, or (organisation_id, attempt_id DESC).
SELECT a.attempt_id, o.name, a.changeset_id, a.dataset, a.outcome, a.commit_id, a.reason, a.error_message, a.started_at,
  a.ended_at, a.received, a.counts, a.findings, a.conflicts
FROM lienthong.attempt a JOIN lienthong.organisation o ON o.id = a.organisation_id
WHERE ($1 = '' OR a.organisation_id = (SELECT id FROM lienthong.organisation WHERE name = $1))
  AND ($2 = '' OR a.dataset = $2) AND ($3 = '' OR a.changeset_id = $3) AND ($4 = '' OR a.outcome = $4::"char")
  AND ($5 = '' OR a.attempt_id < $5)
ORDER BY a.attempt_id DESC LIMIT $6
