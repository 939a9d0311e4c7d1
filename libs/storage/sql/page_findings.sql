-- Findings of an attempt in the order of the changeset. $1 attempt_id, $2 severity text, $3 rule, $4 feature_id, $5 dataset;
-- '' = any. $6 ordinal (exclusive), $7 limit. Columns: ordinal, dataset, feature_id, sequence, rule, severity, reason,
-- field, place, message_vi, message_en. Index: primary key.
SELECT ordinal, dataset, feature_id, sequence, rule, severity, reason, field, place, message_vi, message_en
FROM lienthong.finding
WHERE attempt_id = $1 AND ordinal > $6 AND ($2 = '' OR severity = $2::"char") AND ($3 = '' OR rule = $3)
  AND ($4 = '' OR feature_id = $4) AND ($5 = '' OR dataset = $5)
ORDER BY ordinal LIMIT $7
