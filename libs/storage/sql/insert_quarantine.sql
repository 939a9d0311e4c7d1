-- Sets invalid changes aside. $1 dataset id int4, $2 attempt_id, $3 organisation, $4 time, $5 base_version of the header, $6 CRS that the header
-- named, '' for none.
INSERT INTO lienthong.quarantine (dataset_id, fid, attempt_id, organisation_id, sequence, op, base_version, form, mask,
  payload, found_version, findings, quarantined_at, crs)
SELECT $1, s.fid, $2, o.id, s.seq, s.op, coalesce(s.base_version, $5::int8),
  CASE WHEN s.kind = 'Q' THEN 'C' ELSE 'R' END::"char", s.mask, coalesce(s.partial, s.payload, ''),
  coalesce(f.version, g.version, 0), coalesce(s.findings, '[]'), $4,
  CASE WHEN s.kind = 'Q' THEN $6 ELSE '' END
FROM {STAGED} s
JOIN lienthong.organisation o ON o.name = $3
LEFT JOIN lienthong_data.feature_{N} f ON f.fid = s.fid
LEFT JOIN lienthong_data.gone_{N} g ON g.fid = s.fid
WHERE s.kind IN ('Q', 'R') ORDER BY s.seq
