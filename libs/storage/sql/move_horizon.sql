-- Moves the horizon forward, never back and not beyond the head. $1 dataset id int4, $2 version. Without effect it locks nothing.
UPDATE lienthong.dataset_head SET horizon = $2 WHERE dataset_id = $1 AND horizon < $2 AND head >= $2
