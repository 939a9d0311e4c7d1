-- Conflicts of an attempt, in the order of write_conflicts() (attempts.cpp).
COPY lienthong.conflict (attempt_id, ordinal, dataset, feature_id, kind, expected_version, found_version, found_organisation, found_at) FROM STDIN (FORMAT binary)
