-- Records an accepted changeset, the versions it makes and the heads it moves. $1 organisation name, $2 changeset_id, $3 content
-- hash bytea, $4 committed_at, $5 receipt, $6 its digest; arrays, one element for each dataset that changes: $7 dataset ids,
-- $8 versions, $9 changes of the feature count. Columns: changesets recorded (0: the id is taken), heads moved.
WITH c AS (
  INSERT INTO lienthong.changeset (organisation_id, changeset_id, content_sha256, committed_at, receipt)
  SELECT o.id, $2, $3, $4, $5 FROM lienthong.organisation o WHERE o.name = $1
  ON CONFLICT (organisation_id, changeset_id) DO NOTHING RETURNING id
), m AS (
  SELECT c.id, u.dataset_id::int4 AS dataset_id, u.version, u.added
  FROM c, unnest($7::int8[], $8::int8[], $9::int8[]) u(dataset_id, version, added)
), v AS (
  INSERT INTO lienthong.dataset_version (dataset_id, version, changeset_row, digest, committed_at)
  SELECT m.dataset_id, m.version, m.id, $6, $4 FROM m
), h AS (
  UPDATE lienthong.dataset_head h SET head = m.version, digest = $6, changed_at = $4, feature_count = h.feature_count + m.added
  FROM m WHERE h.dataset_id = m.dataset_id AND h.head = m.version - 1 RETURNING 1
)
SELECT (SELECT count(*) FROM c), (SELECT count(*) FROM h)
