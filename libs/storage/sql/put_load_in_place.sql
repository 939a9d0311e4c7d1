-- What was loaded takes the place of both tables of the dataset, which are empty.
SELECT lienthong.put_load_in_place('lienthong_data.feature_{N}', '{STAGED}_feature'),
  lienthong.put_load_in_place('lienthong_data.log_{N}', '{STAGED}_log')
