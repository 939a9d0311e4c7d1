-- Drops the effects of features that changed after the head prepared against. $1 that head.
DELETE FROM {EFFECT} e USING (SELECT DISTINCT fid FROM lienthong_data.log_{N} WHERE version > $1) l WHERE e.fid = l.fid
