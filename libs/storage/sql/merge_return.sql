-- Ids that exist again have no tombstone: their log row carries its version as prev_version.
DELETE FROM lienthong_data.gone_{N} g USING {EFFECT} e WHERE e.op = 'I' AND e.prev_op = 'D' AND g.fid = e.fid
