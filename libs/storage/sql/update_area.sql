-- Sets what a unit is called and for how long it is in force. $1 id int4, $2 name, $3 search_name, $4 kind, $5 first day,
-- $6 last day ('' = open).
UPDATE lienthong.area SET name = $2, search_name = $3, kind = $4, valid_from = nullif($5, '')::date,
  valid_to = nullif($6, '')::date
WHERE id = $1
