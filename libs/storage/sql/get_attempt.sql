-- One attempt. $1 attempt_id. Columns: as page_attempts.sql. Index: primary key.
SELECT a.attempt_id, o.name, a.changeset_id, a.dataset, a.outcome, a.commit_id, a.reason, a.error_message, a.started_at,
  a.ended_at, a.received, a.counts, a.findings, a.conflicts
FROM lienthong.attempt a JOIN lienthong.organisation o ON o.id = a.organisation_id
WHERE a.attempt_id = $1
