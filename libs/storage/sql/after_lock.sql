-- What a publish must know once it holds the locks of its datasets. $1 organisation name, $2 changeset_id, $3 dataset ids in the
-- order of the locks. Columns: the time, whether the changeset is accepted already, whether anything waits in the quarantine of
-- the dataset; one row for each of $3, in its order.
SELECT clock_timestamp(),
  EXISTS (SELECT 1 FROM lienthong.changeset c JOIN lienthong.organisation o ON o.id = c.organisation_id
          WHERE o.name = $1 AND c.changeset_id = $2),
  EXISTS (SELECT 1 FROM lienthong.quarantine q WHERE q.dataset_id = d.id AND q.state = 'H')
FROM unnest($3::int8[]) WITH ORDINALITY d(id, place) ORDER BY d.place
