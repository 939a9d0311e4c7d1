-- The stored states of these features are inside the scope. $1 fids.
UPDATE {EFFECT} SET op = CASE WHEN op = 'u' THEN 'U' WHEN prev_version > base_version THEN 'V' ELSE 'D' END::"char"
WHERE op IN ('d', 'u') AND fid = ANY($1::text[])
