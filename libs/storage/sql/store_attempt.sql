-- Stores an attempt, or replaces one that broke off or was refused. $1 attempt_id, $2 organisation name, $3 changeset_id, $4 dataset, $5 outcome "char",
-- $6 commit_id, $7 reason, $8 error_message, $9 started_at, $10 ended_at, $11 received, $12 counts jsonb, $13 findings,
-- $14 conflicts. Column: whether it is new. No row when the organisation is unknown, or the attempt is another's or was accepted.
INSERT INTO lienthong.attempt AS a (attempt_id, organisation_id, changeset_id, dataset, outcome, commit_id, reason,
  error_message, started_at, ended_at, received, counts, findings, conflicts)
SELECT $1, o.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 FROM lienthong.organisation o WHERE o.name = $2
ON CONFLICT (attempt_id) DO UPDATE SET changeset_id = excluded.changeset_id, dataset = excluded.dataset,
  outcome = excluded.outcome, commit_id = excluded.commit_id, reason = excluded.reason,
  error_message = excluded.error_message, started_at = excluded.started_at, ended_at = excluded.ended_at,
  received = excluded.received, counts = excluded.counts, findings = excluded.findings, conflicts = excluded.conflicts
WHERE a.organisation_id = excluded.organisation_id AND a.outcome IN ('B', 'R')
RETURNING a.xmax = 0
