-- The indexes of the log for what takes its place.
SELECT lienthong.index_load_table('lienthong_data.log_{N}', '{STAGED}_log')
