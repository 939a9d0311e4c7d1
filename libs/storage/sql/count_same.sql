-- How many changes of a compared snapshot are as stored. Column: count.
SELECT count(*) FROM {STAGED}_same
