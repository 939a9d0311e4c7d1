-- Findings of an accepted changeset. $1 attempt_id, $2 ordinals that are taken, $3 dataset, $4 rows at most.
INSERT INTO lienthong.finding (attempt_id, ordinal, dataset, feature_id, sequence, rule, severity, reason, field, place,
  message_vi, message_en)
SELECT $1, $2 + row_number() OVER (ORDER BY s.seq, x.nr), $3, coalesce(x.item->>'feature_id', s.fid), s.seq,
  coalesce(x.item->>'rule', ''),
  CASE x.item->>'severity' WHEN 'SEVERITY_WARNING' THEN 'W' WHEN 'SEVERITY_INFO' THEN 'I' ELSE 'E' END::"char",
  coalesce(x.item->>'reason', ''), coalesce(x.item->>'field', ''), coalesce(x.item->>'place', ''),
  coalesce(x.item->>'message_vi', ''), coalesce(x.item->>'message_en', '')
FROM {STAGED} s CROSS JOIN LATERAL jsonb_array_elements(s.findings) WITH ORDINALITY x(item, nr)
WHERE s.findings IS NOT NULL ORDER BY s.seq, x.nr LIMIT $4
