-- One import at a time; readers go on.
LOCK TABLE lienthong.area IN SHARE ROW EXCLUSIVE MODE
