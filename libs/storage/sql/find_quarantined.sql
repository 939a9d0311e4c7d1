-- One quarantined change. $1 dataset id int4, $2 id. Columns: id, fid, attempt_id, organisation, sequence, op,
-- base_version, form, payload, size, found_version, findings, state, quarantined_at, decided_at, decided_by, note, mask, crs.
SELECT q.id, q.fid, q.attempt_id, o.name, q.sequence, q.op, q.base_version, q.form, q.payload, octet_length(q.payload),
  q.found_version, q.findings, q.state, q.quarantined_at, q.decided_at, q.decided_by, q.note, q.mask, q.crs
FROM lienthong.quarantine q JOIN lienthong.organisation o ON o.id = q.organisation_id
WHERE q.dataset_id = $1 AND q.id = $2
