-- $1 list. Adds it when it is not there.
INSERT INTO lienthong.area_list (list) VALUES ($1) ON CONFLICT (list) DO NOTHING
