-- What a stored geometry was transformed from, and the CRS of quarantined changes. Lock: ACCESS EXCLUSIVE on each feature table
-- and on the quarantine, for milliseconds: columns without a default rewrite nothing. Uploads that were broken off cannot be gone on
-- with (their staged tables lack the column): they are sent again from the start.

-- feature_N gets source_hash: SHA-256 of source CRS, operation and source geometry; null for what came in the dataset's CRS.
DO $$
DECLARE
  d record;
BEGIN
  FOR d IN SELECT id FROM lienthong.dataset ORDER BY id LOOP
    EXECUTE format('ALTER TABLE lienthong_data.feature_%s ADD source_hash bytea', d.id);
  END LOOP;
END $$;

ALTER FUNCTION lienthong.create_dataset_tables(int) RENAME TO create_dataset_tables_without_source;
CREATE FUNCTION lienthong.create_dataset_tables(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lienthong.create_dataset_tables_without_source(n);
  EXECUTE format('ALTER TABLE lienthong_data.feature_%s ADD source_hash bytea', n);
END $$;

-- "EPSG:n" that the wkt or wkb of a change of form C is in; '' for the dataset's.
ALTER TABLE lienthong.quarantine ADD crs text COLLATE "C" NOT NULL DEFAULT '';

DELETE FROM lienthong_staging.attempt;
