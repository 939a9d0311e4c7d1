-- The stored states of these features are outside the scope: they stay, and an update of them is a conflict. $1 fids.
WITH kept AS (DELETE FROM {EFFECT} WHERE op = 'd' AND fid = ANY($1::text[]))
UPDATE {EFFECT} SET op = 'O' WHERE op = 'u' AND fid = ANY($1::text[])
