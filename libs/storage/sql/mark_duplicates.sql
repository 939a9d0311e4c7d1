-- All changes of a feature that stands more than once go to the quarantine.
UPDATE {STAGED} s SET
  kind = CASE WHEN s.kind = 'Q' THEN 'Q' ELSE 'R' END::"char",
  findings = coalesce(s.findings, '[]') || jsonb_build_array(jsonb_build_object(
    'rule', 'F04', 'severity', 'SEVERITY_ERROR', 'reason', 'DUPLICATE_ID', 'feature_id', s.fid,
    'message_vi', format('đối tượng có mặt %s lần trong bộ thay đổi này; chỉ gửi mỗi đối tượng một lần', d.n),
    'message_en', format('the feature stands %s times in this changeset; send each feature once', d.n)))
FROM (SELECT fid, count(*) AS n FROM {STAGED} GROUP BY fid HAVING count(*) > 1) d
WHERE s.fid = d.fid
