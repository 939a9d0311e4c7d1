-- Empty copies of both tables of the dataset, without indexes, beside {STAGED}.
SELECT lienthong.create_load_table('lienthong_data.feature_{N}', '{STAGED}_feature'),
  lienthong.create_load_table('lienthong_data.log_{N}', '{STAGED}_log')
