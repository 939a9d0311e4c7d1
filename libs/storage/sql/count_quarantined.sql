-- Changes for the quarantine, and findings of all. Columns: quarantined, findings.
SELECT count(*) FILTER (WHERE kind IN ('Q', 'R')), coalesce(sum(jsonb_array_length(findings)), 0)::int8 FROM {STAGED}
