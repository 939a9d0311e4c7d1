-- Conflicts of an attempt by dataset and feature. $1 attempt_id, $2 ordinal (exclusive), $3 limit. Columns: ordinal,
-- dataset, feature_id, kind, expected_version, found_version, found_organisation, found_at. Index: primary key.
SELECT ordinal, dataset, feature_id, kind, expected_version, found_version, found_organisation, found_at
FROM lienthong.conflict WHERE attempt_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3
