-- Baseline: organisations, datasets, schema revisions, changesets, versions, staging; and the function that makes the
-- tables of one dataset. Lock: none that matters, the database is new. Time: milliseconds.

CREATE TABLE lienthong.organisation (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  title text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO lienthong.organisation (name, title) VALUES ('operator', 'Runs the exchange');

CREATE TABLE lienthong.dataset (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uid text NOT NULL UNIQUE,
  name text COLLATE "C" NOT NULL UNIQUE,
  owner_id int NOT NULL REFERENCES lienthong.organisation,
  title text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE lienthong.schema_revision (
  dataset_id int NOT NULL REFERENCES lienthong.dataset,
  revision int NOT NULL,
  body jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (dataset_id, revision)
);

-- One row per dataset, locked FOR UPDATE by each publish in id order; the lock gives the versions their order.
CREATE TABLE lienthong.dataset_head (
  dataset_id int PRIMARY KEY REFERENCES lienthong.dataset,
  head bigint NOT NULL DEFAULT 0,
  digest text NOT NULL DEFAULT '',
  changed_at timestamptz,
  feature_count bigint NOT NULL DEFAULT 0,
  schema_revision int NOT NULL DEFAULT 1
) WITH (fillfactor = 50);

-- Every accepted changeset, for ever, also one without effect.
CREATE TABLE lienthong.changeset (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES lienthong.organisation,
  changeset_id text COLLATE "C" NOT NULL,
  content_sha256 bytea NOT NULL,
  committed_at timestamptz NOT NULL,
  receipt text NOT NULL,
  UNIQUE (organisation_id, changeset_id)
);

CREATE TABLE lienthong.dataset_version (
  dataset_id int NOT NULL REFERENCES lienthong.dataset,
  version bigint NOT NULL,
  changeset_row bigint NOT NULL REFERENCES lienthong.changeset,
  digest text NOT NULL,
  committed_at timestamptz NOT NULL,
  PRIMARY KEY (dataset_id, version)
);

-- Staging: what a large changeset has sent so far. Unlogged, as the staged rows are: after a crash of the server both
-- are gone together. `owner` is the key of the advisory lock that the owning process holds.
CREATE SCHEMA lienthong_staging;
CREATE SEQUENCE lienthong_staging.owner_seq;
CREATE UNLOGGED TABLE lienthong_staging.attempt (
  attempt_id text PRIMARY KEY,
  owner bigint NOT NULL,
  table_name text NOT NULL,
  piece bigint NOT NULL DEFAULT 0,
  changes bigint NOT NULL DEFAULT 0,
  running_hash bytea NOT NULL DEFAULT ''
);

CREATE SCHEMA lienthong_data;

-- Tables of one dataset: current state, log of every change, tombstones.
--   feature_N  version and op of the last change, hash, box in the dataset's CRS (float4, rounded outwards), geometry and
--              properties by field number for SQL.
--   log_N      one row per change: op I, U or D; the version and op before (0 and null: none); size of the payload in bytes;
--              box after and before; hash; payload = the canonical record (null for D).
--   gone_N     ids that were deleted and do not exist now, with the version that deleted them.
-- Log rows are inserted in id order within a version, so that reading by (version, fid) is sequential on disk.
CREATE FUNCTION lienthong.create_dataset_tables(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format($f$
    CREATE TABLE lienthong_data.feature_%1$s (
      version bigint NOT NULL, op "char" NOT NULL, x1 float4, y1 float4, x2 float4, y2 float4,
      fid text COLLATE "C" NOT NULL, content_hash bytea NOT NULL, geom geometry, props jsonb
    ) WITH (fillfactor = 90);
    ALTER TABLE lienthong_data.feature_%1$s ALTER geom SET COMPRESSION lz4, ALTER props SET COMPRESSION lz4;
    ALTER TABLE lienthong_data.feature_%1$s ADD PRIMARY KEY (fid);
    CREATE INDEX ON lienthong_data.feature_%1$s USING gist (geom);

    CREATE TABLE lienthong_data.log_%1$s (
      version bigint NOT NULL, prev_version bigint NOT NULL, size int NOT NULL,
      x1 float4, y1 float4, x2 float4, y2 float4, px1 float4, py1 float4, px2 float4, py2 float4,
      op "char" NOT NULL, prev_op "char", fid text COLLATE "C" NOT NULL, content_hash bytea, payload bytea
    ) WITH (autovacuum_vacuum_insert_scale_factor = 0.02);
    ALTER TABLE lienthong_data.log_%1$s ALTER payload SET COMPRESSION lz4;
    ALTER TABLE lienthong_data.log_%1$s ADD PRIMARY KEY (version, fid) INCLUDE (prev_version, op, size);
    CREATE UNIQUE INDEX ON lienthong_data.log_%1$s (fid, version DESC) INCLUDE (op);

    CREATE TABLE lienthong_data.gone_%1$s (fid text COLLATE "C" PRIMARY KEY, version bigint NOT NULL);
  $f$, n);
END $$;
