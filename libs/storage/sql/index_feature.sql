-- The indexes of the current table for what takes its place.
SELECT lienthong.index_load_table('lienthong_data.feature_{N}', '{STAGED}_feature')
