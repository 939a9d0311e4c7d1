-- Findings of an attempt, in the order of write_findings() (attempts.cpp).
COPY lienthong.finding (attempt_id, ordinal, dataset, feature_id, sequence, rule, severity, reason, field, place, message_vi, message_en) FROM STDIN (FORMAT binary)
