-- $1 list. Column: whether it is there.
SELECT EXISTS (SELECT 1 FROM lienthong.area_list WHERE list = $1)
