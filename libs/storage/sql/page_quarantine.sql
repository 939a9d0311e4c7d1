-- A page of quarantined changes, oldest first. $1 dataset id int4, $2 id (exclusive), $3 state text, $4 feature id; '' =
-- any. $5 rows, $6 bytes of a payload beyond which it is left out, $7 bytes of payloads and findings after which to stop.
-- Columns: those of find_quarantined.sql, payload null when left out; more bool. Index: (dataset_id, id).
WITH page AS (
  SELECT *, octet_length(payload) AS size, octet_length(findings::text) AS findings_size,
    row_number() OVER (ORDER BY id) AS place
  FROM lienthong.quarantine
  WHERE dataset_id = $1 AND id > $2 AND ($3 = '' OR state = $3::"char") AND ($4 = '' OR fid = $4)
  ORDER BY id LIMIT $5 + 1
), sized AS (
  SELECT *, lead(id) OVER (ORDER BY id) IS NOT NULL AS more,
    sum(CASE WHEN size > $6 THEN 0 ELSE size END + findings_size) OVER (ORDER BY id) AS bytes
  FROM page
)
SELECT q.id, q.fid, q.attempt_id, o.name, q.sequence, q.op, q.base_version, q.form,
  CASE WHEN q.size <= $6 THEN q.payload END, q.size, q.found_version, q.findings, q.state, q.quarantined_at, q.decided_at,
  q.decided_by, q.note, q.mask, q.crs, q.more
FROM sized q JOIN lienthong.organisation o ON o.id = q.organisation_id
WHERE q.place <= $5 AND (q.bytes <= $7 OR q.place = 1) ORDER BY q.id
