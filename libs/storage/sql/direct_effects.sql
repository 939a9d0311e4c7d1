-- The effect of each change of a small changeset against stored state, as prepare_changes finds it, in one look: with the head
-- of the same moment. $1 fids, $2 ops, $3 base versions, $4 content hashes, $5 source hashes; $6 base_version of the header (null:
-- none).
-- Columns: head, op ('!': a conflict, of whatever kind), prev_version, base_version, px1, py1, px2, py2, prev_op, whether the stored
-- geometry is of the same source as in list_same_source; in the order of $1.
-- The subqueries with LIMIT are one index probe for each change in every plan.
SELECT h.head,
  CASE
    WHEN s.op = 'D' AND f.fid IS NULL THEN '='
    WHEN s.op <> 'D' AND f.content_hash = s.content_hash THEN '='
    WHEN s.base_version = 0 AND f.fid IS NOT NULL THEN '!'
    WHEN s.base_version > 0 AND coalesce(f.version, g.version, 0) > s.base_version THEN '!'
    WHEN s.op = 'I' AND f.fid IS NOT NULL THEN '!'
    WHEN s.op = 'U' AND f.fid IS NULL THEN '!'
    WHEN s.op = 'D' THEN 'D'
    WHEN f.fid IS NULL THEN 'I'
    ELSE 'U'
  END::"char",
  coalesce(f.version, g.version, 0), s.base_version, f.x1, f.y1, f.x2, f.y2,
  coalesce(f.op, CASE WHEN g.version IS NOT NULL THEN 'D'::"char" END),
  coalesce(f.source_hash = s.source_hash AND f.content_hash <> s.content_hash, false)
FROM (
  SELECT u.fid, u.op, coalesce(u.base_version, $6::int8) AS base_version, u.content_hash, u.source_hash, u.place
  FROM unnest($1::text[], $2::"char"[], $3::int8[], $4::bytea[], $5::bytea[])
    WITH ORDINALITY u(fid, op, base_version, content_hash, source_hash, place)
) s
CROSS JOIN (SELECT head FROM lienthong.dataset_head WHERE dataset_id = {N}) h
LEFT JOIN LATERAL (
  SELECT t.fid, t.version, t.op, t.content_hash, t.source_hash, t.x1, t.y1, t.x2, t.y2
  FROM lienthong_data.feature_{N} t WHERE t.fid = s.fid LIMIT 1
) f ON true
LEFT JOIN LATERAL (SELECT t.version FROM lienthong_data.gone_{N} t WHERE t.fid = s.fid LIMIT 1) g ON true
ORDER BY s.place
