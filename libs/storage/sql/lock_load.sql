-- Nobody reads the empty tables of the dataset from here on; waits for those who do, but not for long.
SET LOCAL lock_timeout = '5s';
LOCK TABLE lienthong_data.feature_{N}, lienthong_data.log_{N} IN ACCESS EXCLUSIVE MODE;
SET LOCAL lock_timeout = 0;
