-- Removes attempts that ended before a time, with their findings and conflicts. $1 time, $2 limit. Index: (ended_at).
DELETE FROM lienthong.attempt WHERE attempt_id IN (
  SELECT attempt_id FROM lienthong.attempt WHERE ended_at < $1 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)
